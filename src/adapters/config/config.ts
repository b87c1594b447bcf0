// $TENDER_HOME/config.toml, every field optional: a farm works with no file at all.
// What is written wrong is refused with its place, never guessed and never ignored.
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { availableParallelism, homedir, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { z } from 'zod';
import { err, ok, type Result } from '../../base/result.ts';
import { policyNames } from '../../core/selection/index.ts';
import { calendarSection } from './calendar-section.ts';
import { criteriaText } from './criteria.ts';
import { readToml } from './toml.ts';

const cores = availableParallelism();

const schema = z.strictObject({
  machine: z
    .strictObject({
      name: z.string().min(1).max(60).default(hostname()),
      site: z.string().max(60).default(''),
    })
    .prefault({}),
  network: z
    .strictObject({
      /** TCP for sessions, UDP for announcements to named peers; 0: any free port. */
      port: z.int().min(0).max(65535).default(7437),
      host: z.string().default('::'),
      group_port: z.int().min(1).max(65535).default(7437),
      groups: z.array(z.string()).default(['239.255.84.68', 'ff15::5444']),
      interfaces: z.array(z.string()).default([]),
      ttl: z.int().min(0).max(255).default(1),
      announce: z.array(z.enum(['multicast', 'list'])).default(['multicast', 'list']),
      peers: z.array(z.string().min(1)).default([]),
    })
    .prefault({}),
  delegate: z
    .strictObject({
      /** Own slots for tasks that could travel. */
      own_slots: z.int().min(0).max(1024).default(cores),
      /** All that may run here at once. */
      here_slots: z.int().min(1).max(1024).default(cores),
      policy: z.enum(policyNames).default('finish'),
      nobody_after_ms: z.int().min(0).max(600_000).default(150),
      max_waiting: z.int().min(1).max(1_000_000).default(20_000),
      needs: criteriaText.default(''),
    })
    .prefault({}),
  work: z
    .strictObject({
      enabled: z.boolean().default(true),
      slots: z.int().min(0).max(1024).default(cores),
      /** Of tasks: 19 gives way to everything of the owner's; 0 is for machines that do nothing else. */
      niceness: z.int().min(0).max(19).default(19),
      /** Runnable processes per core that are not Tender's. */
      max_load: z.number().positive().default(1.5),
      mem_reserve_mib: z.int().min(0).default(512),
      mem_per_task_mib: z.int().min(1).default(512),
      blobs_mib: z.int().min(64).default(4096),
    })
    .prefault({}),
  owner: z
    .strictObject({
      /** Whether to look who is at this machine; false: nobody ever sits here. */
      presence: z.boolean().default(true),
      /** Without input for so long the owner counts as gone. */
      idle_seconds: z.number().min(1).max(86_400).default(60),
      /** Between two looks at a calendar that is not a file. */
      poll_seconds: z.number().min(0.2).max(86_400).default(300),
      /** What runs here for others has so long to end when the owner comes back, and is then frozen for so long before it is ended. */
      grace_seconds: z.number().min(0).max(3600).default(10),
      freeze_seconds: z.number().min(0).max(86_400).default(60),
    })
    .prefault({}),
  calendar: calendarSection,
  journal: z
    .strictObject({
      /** What this machine's delegator and worker saw and decided, for replaying. */
      enabled: z.boolean().default(false),
      /** Empty: `journal` in the home directory. */
      dir: z
        .string()
        .refine((dir) => dir === '' || isAbsolute(dir), 'an absolute path is wanted')
        .default(''),
      max_mib: z.int().min(1).default(256),
    })
    .prefault({}),
  store: z
    .strictObject({
      enabled: z.boolean().default(true),
      max_mib: z.int().min(1).default(5120),
      /** Empty: `store` in the home directory. */
      dir: z
        .string()
        .refine((dir) => dir === '' || isAbsolute(dir), 'an absolute path is wanted')
        .default(''),
    })
    .prefault({}),
});

export type Config = z.infer<typeof schema>;

/** Where an agent keeps its data, socket and configuration. */
export function homeDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const home = env['TENDER_HOME'];
  return home !== undefined && home !== '' ? home : join(homedir(), '.tender');
}

export function socketPath(home: string): string {
  return join(home, 'run', 'agent.sock');
}

/** Where results of compiles are kept: $TENDER_STORE, or as configured, or under `home`. The error is a sentence for people. */
export function storeDirectory(
  config: Config,
  home: string,
  env: NodeJS.ProcessEnv = process.env,
): Result<string, string> {
  const named = env['TENDER_STORE'] ?? '';
  if (named !== '' && !isAbsolute(named)) return err(`TENDER_STORE is «${named}»: an absolute path is wanted`);
  return ok([named, config.store.dir].find((dir) => dir !== '') ?? join(home, 'store'));
}

/** Where the journal is written: $TENDER_JOURNAL, or as configured; null: there is none. The error is a sentence for people. */
export function journalDirectory(
  config: Config,
  home: string,
  env: NodeJS.ProcessEnv = process.env,
): Result<string | null, string> {
  const named = env['TENDER_JOURNAL'] ?? '';
  if (named !== '')
    return isAbsolute(named) ? ok(named) : err(`TENDER_JOURNAL is «${named}»: an absolute path is wanted`);
  if (!config.journal.enabled) return ok(null);
  return ok(config.journal.dir === '' ? join(home, 'journal') : config.journal.dir);
}

/** Makes the directories an agent needs, closed to everyone else. The error is a sentence for people. */
export function prepareHome(home: string): Result<void, string> {
  try {
    for (const directory of [home, join(home, 'run')]) {
      mkdirSync(directory, { recursive: true, mode: 0o700 });
      chmodSync(directory, 0o700);
    }
    return ok(undefined);
  } catch (error) {
    return err(`cannot prepare ${home}: ${(error as Error).message}; set TENDER_HOME to a directory of yours`);
  }
}

/** Reads config.toml under `home`; no file means all defaults. The error names file, line and fault, and what is allowed. */
export function loadConfig(home: string): Result<Config, string> {
  const file = join(home, 'config.toml');
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      return err(`cannot read ${file}: ${(error as Error).message}`);
  }
  return readToml(text, file, schema);
}
