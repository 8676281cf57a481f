// An OpenID Connect provider for tests: the certified npm package on a free
// port of this machine, with a sign-in page that asks for an address alone.
//
// Whoever signs in is who they say they are: `ada@example.com` has that as
// subject and address, and an address that begins with `unverified` is not
// verified. POST /control {"rotate": true} gives it new keys, and
// {"clock": -90} sets its clock back by 90 seconds.
//
// As a program (`node oidc-provider.mjs`) it prints its address, and ends with
// its standard input. Written for the Rust tests and for Playwright.
import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import Provider from "oidc-provider";

/** By which it knows Pitlane, and what Pitlane shows it. */
export const client = { id: "pitlane", secret: "a secret of the tests" };

function configuration(cookieKeys) {
  const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  return {
    clients: [{ client_id: client.id, client_secret: client.secret, redirect_uris: ["http://localhost:3000/oidc/callback"] }],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
    cookies: { keys: cookieKeys },
    jwks: { keys: [{ ...jwk, use: "sig", alg: "RS256" }] },
    pkce: { required: () => true },
    ttl: { IdToken: 60, AccessToken: 600, AuthorizationCode: 600, Interaction: 600, Session: 600, Grant: 600 },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(_, id) {
      const [local] = id.split("@");
      return {
        accountId: id,
        claims: async () => ({
          sub: id,
          email: id,
          email_verified: !id.startsWith("unverified"),
          name: `${local[0].toUpperCase()}${local.slice(1)} Example`,
          preferred_username: local,
        }),
      };
    },
    // Nobody is asked whether Pitlane may know who they are.
    async loadExistingGrant({ oidc }) {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope("openid email profile");
      await grant.save();
      return grant;
    },
  };
}

/** Starts it; its address, and what ends it. */
export async function startProvider() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  let provider;
  let answer;
  const renew = () => {
    provider = new Provider(issuer, configuration(["cookies of the tests"]));
    // Pitlane listens on a free port of this machine, which is not known when this one starts.
    provider.Client.prototype.redirectUriAllowed = (uri) => /^http:\/\/(localhost|127\.0\.0\.1):\d+\/oidc\/callback$/.test(uri);
    answer = provider.callback();
  };
  renew();
  server.on("request", async (request, response) => {
    try {
      const url = new URL(request.url, issuer);
      if (request.method === "POST" && url.pathname === "/control") {
        const wanted = JSON.parse(await body(request));
        if (wanted.rotate) renew();
        if (wanted.clock !== undefined) setClock(wanted.clock);
        return response.end("done");
      }
      if (!url.pathname.startsWith("/interaction/")) return await answer(request, response);
      await provider.interactionDetails(request, response);
      if (request.method === "GET") {
        response.setHeader("content-type", "text/html; charset=utf-8");
        return response.end(page);
      }
      const form = new URLSearchParams(await body(request));
      const result = form.has("cancel")
        ? { error: "access_denied", error_description: "cancelled" }
        : { login: { accountId: form.get("address") } };
      return await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
    } catch (error) {
      response.statusCode = 500;
      return response.end(String(error));
    }
  });
  return {
    issuer,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const page = `<!doctype html><html lang="en"><title>Example sign-in</title><h1>Example sign-in</h1>
<form method="post"><label>Address <input name="address" type="email"></label>
<button>Continue</button> <button name="cancel" value="1" formnovalidate>Cancel</button></form></html>`;

async function body(request) {
  let text = "";
  for await (const piece of request) text += piece;
  return text;
}

const now = Date.now;
function setClock(seconds) {
  Date.now = () => now() + seconds * 1000;
}

if (process.argv[1] === import.meta.filename) {
  const { issuer } = await startProvider();
  console.log(issuer);
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0));
}
