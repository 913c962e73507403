import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { AdminGuard } from "./admin.js";
import { BadRequest, Tally, greet, parseLanguage, parseName } from "./greeting.js";

export interface Options {
  /** Opens the admin page. */
  passphrase: string;
}

/** The service, not yet listening: tests choose their own port. */
export function createApp({ passphrase }: Options): Server {
  const guard = new AdminGuard(passphrase);
  const tally = new Tally();

  return createServer((request, response) => {
    try {
      route(request, response, guard, tally);
    } catch (error) {
      if (error instanceof BadRequest) return json(response, 400, { error: error.message });
      console.error(error);
      json(response, 500, { error: "Something went wrong. The log says what." });
    }
  });
}

function route(request: IncomingMessage, response: ServerResponse, guard: AdminGuard, tally: Tally): void {
  if (request.method !== "GET") {
    response.setHeader("Allow", "GET");
    return json(response, 405, { error: "Only GET is understood here." });
  }
  const url = new URL(request.url ?? "/", "http://service");
  switch (url.pathname) {
    case "/health":
      return json(response, 200, { status: "ok" });
    case "/":
    case "/greeting": {
      const language = parseLanguage(url.searchParams.get("language"));
      const name = parseName(url.searchParams.get("name"));
      tally.add(language);
      return json(response, 200, { greeting: greet(language, name) });
    }
    case "/admin":
      if (!guard.allows(request.headers.authorization)) {
        response.setHeader("WWW-Authenticate", 'Basic realm="greeting-service", charset="UTF-8"');
        return json(response, 401, { error: "The admin passphrase is needed here." });
      }
      return json(response, 200, { greetings: tally });
    default:
      return json(response, 404, { error: `There is nothing at ${url.pathname}.` });
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" });
  response.end(`${JSON.stringify(body)}\n`);
}
