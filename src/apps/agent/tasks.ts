// What `tender tasks` and `tender explain TASK` are told: views of the delegation's books and of the stories kept beside them.
import type { TaskView } from '../../core/delegation/view.ts';
import type { Copy, LiveTask, TasksReport, Told } from '../report.ts';
import type { Agent } from './agent.ts';

const mostEnded = 200;

/** `all`: those that ended lately too; `most`: so many of the others, those that run first. */
export function tasksOf(agent: Agent, all: boolean, most = Infinity): TasksReport {
  const now = performance.now();
  const { stories } = agent;
  const view = agent.delegation.view(now);
  const live = view.tasks.map((task): LiveTask => {
    const movedAt = stories.movedAt(task.id);
    const copies = task.attempts.map((attempt): Copy => {
      const { state, ageMs, heardAgoMs, hedge } = attempt;
      const leftMs = Math.max(0, attempt.estimateMs - ageMs);
      return { machine: stories.nameOf(attempt.worker), state, sinceMs: ageMs, leftMs, heardAgoMs, hedge };
    });
    const { id, build, label, state, reason, ageMs, estimateMs } = task;
    const sinceMs = movedAt === null ? ageMs : now - movedAt;
    return { id, build, label, state, reason, sinceMs, ageMs, estimateMs, leftMs: leftOf(task, copies), copies };
  });
  const counts = { away: 0, here: 0, waiting: 0 };
  for (const { state } of live) counts[state] += 1;
  return {
    tasks: live.sort((a, b) => orderOf(a) - orderOf(b) || b.ageMs - a.ageMs).slice(0, most),
    counts,
    ended: all ? stories.ended(mostEnded, now) : [],
    lending: agent.workshop?.worker.running() ?? [],
    machines: view.workers.filter(({ connected }) => connected).map(({ name, heardAgoMs }) => ({ name, heardAgoMs })),
  };
}

/** What became of the task that `text` means; of one that waits, what it waits behind. */
export function explainTask(agent: Agent, text: string): Told {
  const now = performance.now();
  const found = agent.stories.find(text, now);
  if (found.is !== 'one') return found;
  if (found.story.state !== 'waiting') return { ...found, queue: null };
  const { waiting, slots, freeSlots } = agent.delegation.view(now);
  return { ...found, queue: { waiting, slots, freeSlots } };
}

/** What runs comes before what waits. */
function orderOf(task: LiveTask): number {
  return task.state === 'away' ? 0 : task.state === 'here' ? 1 : 2;
}

/** Of the copy that is expected to be done first; of what waits nobody knows. */
function leftOf(task: TaskView, copies: readonly Copy[]): number | null {
  if (task.hereMs !== null) return Math.max(0, task.estimateMs - task.hereMs);
  const alive = copies.filter(({ state }) => state !== 'silent');
  return alive.length === 0 ? null : Math.min(...alive.map(({ leftMs }) => leftMs));
}
