// What the engine made of the agent's code in an earlier life (Node's compile cache): the first build of a new one need not make
// it again. Node keeps what had been compiled when an entry was first written, so that is done once a build has been seen.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { constants, enableCompileCache, flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

/** After so many compiles on other machines all that builds need has been used. */
const ripeAfter = 8;
const freshName = /^new-(\d+)$/;

export class CodeCache {
  private readonly dir: string;
  /** Where it is gathered by this agent, the first that has a build to see; null: there is one, or none may be kept. */
  private fresh: string | null = null;
  private seen = 0;

  /** To be called before the agent's code is loaded. Nothing is kept in a home that is not the user's alone: it is code. */
  constructor(home: string) {
    this.dir = join(home, 'code');
    // An agent rests between builds: without this the engine throws away what it has compiled, and the next build pays for it again.
    // Here, because flags that change later would make the engine refuse what is kept.
    setFlagsFromString('--no-flush-bytecode');
    try {
      const stats = statSync(home);
      if (stats.uid !== process.geteuid?.() || (stats.mode & 0o022) !== 0) return;
      mkdirSync(this.dir, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(this.dir)) if (isLeftOver(name)) rmSync(join(this.dir, name), { recursive: true });
      const good = join(this.dir, 'good');
      const place = existsSync(good) ? good : join(this.dir, `new-${process.pid}`);
      const { status } = enableCompileCache(place);
      if (place === good || status !== constants.compileCacheStatus.ENABLED) return;
      this.fresh = place;
      // Node would write what it has, megabytes that nobody will use, when the agent ends.
      process.on('exit', () => {
        if (this.fresh !== null) rmSync(this.fresh, { recursive: true, force: true });
      });
    } catch {
      // The code is compiled as it is used.
    }
  }

  /** A compile came back from another machine. */
  sawRemote(): void {
    if (this.fresh === null || ++this.seen < ripeAfter) return;
    const { fresh } = this;
    this.fresh = null;
    try {
      flushCompileCache();
      renameSync(fresh, join(this.dir, 'good'));
    } catch {
      // As above.
    }
  }
}

/** What an agent gathered that never came so far. */
function isLeftOver(name: string): boolean {
  const pid = freshName.exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}
