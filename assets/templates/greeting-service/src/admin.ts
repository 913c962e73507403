import { createHash, timingSafeEqual } from "node:crypto";

/**
 * Guards the admin page with HTTP Basic authentication. The passphrase is kept as a digest only, and compared in
 * constant time, so that neither a heap dump nor a stopwatch tells it.
 */
export class AdminGuard {
  readonly #digest: Buffer;

  constructor(passphrase: string) {
    this.#digest = digest(passphrase);
  }

  allows(authorization: string | undefined): boolean {
    const [scheme, encoded] = (authorization ?? "").split(" ", 2);
    if (scheme?.toLowerCase() !== "basic" || encoded === undefined) return false;
    const decoded = Buffer.from(encoded, "base64").toString("utf8");
    const colon = decoded.indexOf(":");
    if (colon < 0) return false;
    return timingSafeEqual(digest(decoded.slice(colon + 1)), this.#digest);
  }
}

function digest(value: string): Buffer {
  return createHash("sha256").update(value, "utf8").digest();
}
