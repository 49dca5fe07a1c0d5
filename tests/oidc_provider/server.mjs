// SPDX-License-Identifier: Apache-2.0
// An OpenID provider that this project did not write (npm `oidc-provider`), for the tests that must
// not be graded by our own idea of the protocol. Needs Node 22; see README.md in this folder.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

// Packages are installed outside the source tree, and ES modules don't look at NODE_PATH.
const toolsDir =
  process.env.TOKENSVC_TOOLS_DIR ?? join(import.meta.dirname, '..', '..', 'build', 'tools');
const requireFromTools = createRequire(join(resolve(toolsDir), 'package.json'));
const { Provider, errors } = await import(pathToFileURL(requireFromTools.resolve('oidc-provider')));

const MAX_SETUP_BYTES = 1 << 20;

/** Writes one event as one line of JSON: all that this program ever says on stdout. */
function emit(event) {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function fail(message) {
  process.stderr.write(`oidc_provider: ${message}\n`);
  process.exit(2);
}

/** The first line of stdin. The end of stdin, now or later, ends the process: it dies with its test. */
function readSetup() {
  return new Promise((done) => {
    const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
    lines.once('line', (line) => {
      if (line.length > MAX_SETUP_BYTES) fail('the setup document is too long');
      try {
        done(JSON.parse(line));
      } catch {
        fail('the first line of stdin is not a JSON document'); // Never the line: it holds secrets.
      }
    });
    lines.once('close', () => process.exit(0));
  });
}

function toProviderClient({ client_id, auth_method, client_secret, jwks, scope }, defaultScope) {
  return {
    client_id,
    client_secret,
    jwks,
    token_endpoint_auth_method: auth_method,
    grant_types: ['client_credentials'],
    response_types: [],
    redirect_uris: [],
    scope: scope ?? defaultScope,
  };
}

/** How a token request really proved its client: the provider accepts basic for post and back. */
function authenticationUsed(ctx) {
  if (ctx.headers.authorization !== undefined) return 'client_secret_basic';
  if (ctx.oidc?.params?.client_assertion !== undefined) return 'private_key_jwt';
  if (ctx.oidc?.params?.client_secret !== undefined) return 'client_secret_post';
  return 'none';
}

function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'fixture-1' };
}

const setup = await readSetup();
const scopes = setup.scopes ?? ['api:read', 'api:write'];
const resource = setup.resource ?? 'https://api.example.com';
const lifetime = setup.access_token_lifetime_seconds ?? 600;

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: (setup.clients ?? []).map((client) => toProviderClient(client, scopes.join(' '))),
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  jwks: { keys: [signingKey()] },
  scopes,
  responseTypes: ['none'],
  ttl: { ClientCredentials: lifetime },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      // A request that names no resource is for the one API there is: else the token is opaque.
      defaultResource: (_ctx, _client, oneOf) => oneOf ?? resource,
      getResourceServerInfo: (_ctx, indicator) => {
        if (indicator !== resource) throw new errors.InvalidTarget();
        return {
          scope: scopes.join(' '),
          audience: indicator,
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg: 'RS256' } },
        };
      },
    },
  },
});

provider.use(async (ctx, next) => {
  await next();
  if (ctx.path !== '/token') return;
  emit({
    event: 'token_request',
    status: ctx.status,
    client_id: ctx.oidc?.client?.clientId ?? null,
    authentication: authenticationUsed(ctx),
    error: ctx.body?.error ?? null,
  });
});
provider.on('server_error', (_ctx, error) => process.stderr.write(`${error.stack}\n`));

server.on('request', provider.callback());
emit({
  event: 'ready',
  issuer,
  discovery: `${issuer}/.well-known/openid-configuration`,
  token_endpoint: `${issuer}/token`,
  resource,
  scopes,
});
