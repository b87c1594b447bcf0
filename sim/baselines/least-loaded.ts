// Least-loaded polling: every client asks every machine each second how much it has to do, adds what it sent since, and sends the
// next task to the emptiest. A machine that has not answered for 10 s is given up, and what it had is sent elsewhere.
import type { Attempt, Client, Ending, Farm, Host, Job, Scheduler } from './farm.ts';

const POLL_EVERY_MS = 1000;
const SILENT_AFTER_MS = 10_000;
/** Beyond its slots a machine is sent nothing. */
const FULL = 1;

interface Known {
  /** Tasks there when it was last asked, and those sent since. */
  load: number;
  heardAt: number;
  free: boolean;
  readonly attempts: Set<Attempt>;
}

interface View {
  readonly known: readonly Known[];
  readonly waiting: Job[];
}

export class LeastLoaded implements Scheduler {
  readonly name = 'least-loaded';
  #farm: Farm | null = null;
  readonly #views = new Map<Client, View>();

  begin(farm: Farm): void {
    this.#farm = farm;
    for (const client of farm.clients) {
      const known = farm.hosts.map((): Known => ({ load: 0, heardAt: 0, free: false, attempts: new Set() }));
      this.#views.set(client, { known, waiting: [] });
      const build = farm.scenario.builds.find(({ delegator }) => delegator === client.plan.id);
      farm.at(build?.startsAtMs ?? 0, () => this.#poll(client));
    }
  }

  submitted(job: Job): void {
    this.#viewOf(job.client).waiting.push(job);
    this.#place(job.client);
  }

  settled(attempt: Attempt, how: Ending): void {
    const { job, host } = attempt;
    const view = this.#viewOf(job.client);
    const known = view.known[host.index];
    if (known !== undefined) {
      known.attempts.delete(attempt);
      known.load = Math.max(0, known.load - 1);
      if (how !== 'done' && how !== 'failed') known.free = false;
    }
    if (how === 'done') this.#farmOf().finish(job, host === job.client.own);
    else view.waiting.unshift(job);
    this.#place(job.client);
  }

  #poll(client: Client): void {
    const farm = this.#farmOf();
    const view = this.#viewOf(client);
    if (farm.count.open === 0) return;
    for (const [i, host] of farm.hosts.entries()) {
      const known = view.known[i];
      if (known === undefined) continue;
      farm.message(client.plan.site, host.machine.site, () => {
        if (!farm.answers(host)) return;
        const load = host.running + host.queue.length;
        const free = farm.takes(host);
        farm.message(host.machine.site, client.plan.site, () => {
          known.load = Math.max(load, known.attempts.size);
          known.free = free;
          known.heardAt = farm.now;
          this.#place(client);
        });
      });
      if (known.attempts.size > 0 && farm.now - known.heardAt > SILENT_AFTER_MS) this.#giveUp(view, known);
    }
    this.#place(client);
    farm.after(POLL_EVERY_MS, () => this.#poll(client));
  }

  #giveUp(view: View, known: Known): void {
    known.free = false;
    for (const attempt of known.attempts) {
      attempt.settled = true;
      view.waiting.unshift(attempt.job);
    }
    known.attempts.clear();
  }

  #place(client: Client): void {
    const farm = this.#farmOf();
    const view = this.#viewOf(client);
    while (view.waiting.length > 0) {
      const host = this.#emptiest(client, view);
      if (host === null) return;
      const job = view.waiting.shift();
      if (job === undefined) return;
      const attempt = farm.send(job, host, Infinity);
      const known = view.known[host.index];
      if (known !== undefined) {
        known.load += 1;
        known.attempts.add(attempt);
      }
    }
  }

  #emptiest(client: Client, view: View): Host | null {
    const farm = this.#farmOf();
    let best: Host | null = null;
    let least = FULL;
    if (client.own.running < client.own.machine.slots) {
      best = client.own;
      least = client.own.running / client.own.machine.slots;
    }
    for (const [i, known] of view.known.entries()) {
      const host = farm.hosts[i];
      if (host === undefined || !known.free || farm.now - known.heardAt > SILENT_AFTER_MS) continue;
      const load = known.load / host.machine.slots;
      if (load >= least) continue;
      least = load;
      best = host;
    }
    return best;
  }

  #viewOf(client: Client): View {
    const view = this.#views.get(client);
    if (view === undefined) throw new Error('begin comes first');
    return view;
  }

  #farmOf(): Farm {
    if (this.#farm === null) throw new Error('begin comes first');
    return this.#farm;
  }
}
