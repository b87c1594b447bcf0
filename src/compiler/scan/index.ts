// Include scanning: from a command's search options to the set of files that its compile may read.
export { parseDependencies } from './depfile.ts';
export { parseDirectives } from './parse.ts';
export { IncludeScanner, scanIncludes } from './scan.ts';
