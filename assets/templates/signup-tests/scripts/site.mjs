// The sign-up page on a port of this machine. Used by the tests, and by serve.mjs for a person.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const FILES = new Map([
  ["/", ["index.html", "text/html; charset=utf-8"]],
  ["/style.css", ["style.css", "text/css; charset=utf-8"]],
  ["/signup.js", ["signup.js", "text/javascript; charset=utf-8"]],
]);

/** Resolves to the server and its address once it listens. Port 0: any free one. */
export async function serveSite(port) {
  const server = createServer(async (request, response) => {
    const file = FILES.get(new URL(request.url, "http://site").pathname);
    if (request.method !== "GET" || file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const [name, type] = file;
    const body = await readFile(new URL(`../site/${name}`, import.meta.url));
    response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store" }).end(body);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return { server, url: `http://127.0.0.1:${server.address().port}/` };
}
