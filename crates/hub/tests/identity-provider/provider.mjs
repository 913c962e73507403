// An OpenID provider on this machine for the hub's tests, `oidc-provider`, which is certified: `provider.mjs REDIRECT ALG`.
// Says its address when it answers, and ends with its standard input. Everybody is let in by the name they type; whoever is
// called `…-unverified` has an address that was not checked.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirect, algorithm] = process.argv.slice(2);

const kinds = {
  RS256: ["rsa", { modulusLength: 2048 }],
  ES256: ["ec", { namedCurve: "P-256" }],
  EdDSA: ["ed25519", {}],
};
const keys = Object.entries(kinds).map(([alg, [kind, options]]) => ({
  ...generateKeyPairSync(kind, options).privateKey.export({ format: "jwk" }),
  alg,
  use: "sig",
  kid: alg,
}));

const client = {
  client_secret: "a secret between the two",
  grant_types: ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"],
  response_types: ["code"],
  redirect_uris: [redirect],
  id_token_signed_response_alg: algorithm,
};

const configuration = {
  clients: [
    { client_id: "hub", ...client },
    { client_id: "hub-post", token_endpoint_auth_method: "client_secret_post", ...client },
  ],
  clientAuthMethods: ["client_secret_basic", "client_secret_post"],
  jwks: { keys },
  cookies: { keys: ["only a test"] },
  pkce: { required: () => true },
  claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
  enabledJWA: { idTokenSigningAlgValues: Object.keys(kinds) },
  features: { deviceFlow: { enabled: true }, devInteractions: { enabled: true } },
  findAccount: (_context, name) => ({
    accountId: name,
    claims: () => ({
      sub: name,
      email: `${name}@acme.test`,
      email_verified: !name.endsWith("-unverified"),
      groups: name.startsWith("ada") ? ["engineers", "platform"] : ["engineers"],
    }),
  }),
};

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on("request", new Provider(issuer, configuration).callback());
  console.log(issuer);
});
process.stdin.on("end", () => process.exit()).resume();
