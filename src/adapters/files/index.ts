// The client's disk: facts for the include scanner, digests and pieces of its name space for the wire, safe output files.
export type { NamedFile, NameSpacePiece as Fragment } from '../../compiler/types.ts';
export { FileCache } from './file-cache.ts';
export type { MissingFile } from './file-cache.ts';
export { removeTemporary, writeTemporary } from './output.ts';
