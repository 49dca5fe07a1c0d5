// SPDX-License-Identifier: Apache-2.0
// A Node client as its users write one, with npm `@grpc/grpc-js`: acquire.mjs ADDRESS CA-FILE JWT-FILE PROTO-FOLDER
// SCOPE
// prints source and token of twenty answers, one line of JSON each.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [address, caFile, jwtFile, protoFolder, scope] = process.argv.slice(2);
// Packages are installed outside the source tree.
const requireFromTools = createRequire(
  join(resolve(process.env.TOKENSVC_TOOLS_DIR), 'package.json'));
const grpc = requireFromTools('@grpc/grpc-js');
const protoLoader = requireFromTools('@grpc/proto-loader');

const definition = protoLoader.loadSync('tokensvc/v1/token_service.proto', {
  includeDirs: [protoFolder], keepCase: true, enums: String,
});
const { TokenService } = grpc.loadPackageDefinition(definition).tokensvc.v1;
// Read for each call: who issues it replaces it before it expires.
const identity = grpc.credentials.createFromMetadataGenerator((context, done) => {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${readFileSync(jwtFile, 'utf8')}`);
  done(null, metadata);
});
const client = new TokenService(address, grpc.credentials.combineChannelCredentials(
  grpc.credentials.createSsl(readFileSync(caFile)), identity));

function acquire() {
  return new Promise((done, failed) => {
    client.AcquireForClient(
      { registration: 'orders', scopes: [scope] },
      { deadline: Date.now() + 10_000 },
      (error, answer) => (error ? failed(error) : done(answer)));
  });
}

for (let i = 0; i < 20; ++i) {
  const answer = await acquire();
  console.log(JSON.stringify({ source: answer.source, token: answer.access_token.value }));
}
client.close();
