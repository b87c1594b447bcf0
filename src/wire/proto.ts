// The wire contract, loaded: proto/tender.proto parsed once, when a process first needs it.
// Datagrams and sessions both encode with this root, so that no generated code can drift from the contract.
// The path is the same from src/wire/ and from dist/wire/.
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** Where the contract lies on this machine. */
export const protoFile = fileURLToPath(new URL('../../proto/tender.proto', import.meta.url));

/** All messages of `tender.v1`. A missing or broken contract is a broken installation: it throws on import. */
export const protoRoot: protobuf.Root = loadContract();

function loadContract(): protobuf.Root {
  const root = new protobuf.Root();
  root.loadSync(protoFile);
  root.resolveAll();
  return root;
}

/** The message type of that name in `tender.v1`; an unknown name is a bug and throws. */
export function messageType(name: string): protobuf.Type {
  return protoRoot.lookupType(`tender.v1.${name}`);
}
