// What is wished for a compile, and by whom: `tender build`'s options first, then the project's file, then config.toml. A project
// is looked up by directory and remembered for a moment: a build asks thousands of times, and an edit should count soon.
import { findProject, type Project } from '../../adapters/config/project.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { PolicyName } from '../../core/selection/index.ts';
import type { BuildId } from '../../core/types.ts';

export interface Wishes {
  /** The project's root directory; what is learnt is kept under it. Never empty. */
  readonly project: string;
  readonly policy: PolicyName;
  readonly needs: string;
}

export interface BuildWishes {
  /** Where `tender build` was called. */
  readonly cwd: string;
  /** Null, empty: not said on the command line. */
  readonly policy: PolicyName | null;
  readonly needs: string;
}

const rememberedForMs = 2000;
const rememberedMax = 4096;
const buildsMax = 256;

export class WishBook {
  private readonly defaults: { readonly policy: PolicyName; readonly needs: string };
  private readonly problem: (place: string, why: string | null) => void;
  private readonly find: (cwd: string) => Project;
  private readonly projects = new Map<string, { readonly project: Project; readonly atMs: number }>();
  private readonly builds = new Map<BuildId, BuildWishes>();

  /** `problem` hears of each place whether a project's file is as it should be (null), as often as it is looked at. */
  constructor(
    defaults: { readonly policy: PolicyName; readonly needs: string },
    problem: (place: string, why: string | null) => void,
    find: (cwd: string) => Project = findProject,
  ) {
    this.defaults = defaults;
    this.problem = problem;
    this.find = find;
  }

  /** Opens a build; refuses one whose project has a file that cannot be read as such. */
  start(build: BuildId, wishes: BuildWishes): Result<void, string> {
    const project = this.find(wishes.cwd);
    if (project.fault !== null) return err(project.fault);
    this.projects.set(wishes.cwd, { project, atMs: performance.now() });
    this.builds.set(build, wishes);
    // A build whose end was never told.
    for (const oldest of this.builds.keys()) {
      if (this.builds.size <= buildsMax) break;
      this.builds.delete(oldest);
    }
    return ok(undefined);
  }

  end(build: BuildId): void {
    this.builds.delete(build);
  }

  of(build: BuildId, cwd: string): Wishes {
    const asked = this.builds.get(build);
    const project = this.projectAt(cwd);
    return {
      project: project.root ?? asked?.cwd ?? cwd,
      policy: asked?.policy ?? project.policy ?? this.defaults.policy,
      needs: [asked?.needs, project.needs, this.defaults.needs].find((needs) => needs != null && needs !== '') ?? '',
    };
  }

  private projectAt(cwd: string): Project {
    const known = this.projects.get(cwd);
    const atMs = performance.now();
    if (known !== undefined && atMs - known.atMs < rememberedForMs) return known.project;
    const project = this.find(cwd);
    this.problem(project.root ?? cwd, project.fault ?? project.ignored);
    if (this.projects.size >= rememberedMax) this.projects.clear();
    this.projects.set(cwd, { project, atMs });
    return project;
  }
}
