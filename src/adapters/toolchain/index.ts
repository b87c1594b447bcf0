// Compilers as sets of files, and what they say of themselves.
export { askDependencies } from './dependencies.ts';
export type { ToolchainDescription } from './describe.ts';
export { isTrustedCompiler } from './trust.ts';
export { listLocaleFiles } from './locale.ts';
export { describeToolchain, Toolchains } from './toolchains.ts';
