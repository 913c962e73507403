import { createApp } from "./app.js";

const HOST = "127.0.0.1"; // This machine only.
const port = Number(process.env["PORT"] ?? "47613");
const passphrase = process.env["GREETING_ADMIN"];

if (!Number.isInteger(port) || port < 1 || port > 65535) {
  console.error("PORT must be a whole number from 1 to 65535.");
  process.exit(1);
}
if (passphrase === undefined || passphrase === "") {
  console.error("GREETING_ADMIN is not set. Firstlight sets it from your keychain; see README.md to start by hand.");
  process.exit(1);
}

const server = createApp({ passphrase });

server.on("error", (error: NodeJS.ErrnoException) => {
  console.error(error.code === "EADDRINUSE" ? `Port ${port} is taken by another program.` : error.message);
  process.exit(1);
});
server.listen(port, HOST, () => console.log(`Listening on http://${HOST}:${port}`));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
}
