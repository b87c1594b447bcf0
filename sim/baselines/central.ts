// What icecream does: one scheduler knows all machines and their speeds and gives each task, first come first served, to the
// fastest of those that have least to do. It hears at once of a machine that crashes or whose owner is there, and not of one that
// froze: its slots stay taken, and the client waits 720 s before it compiles the unit itself.
import { isFree } from '../availability.ts';
import { isWithin } from '../pace.ts';
import type { Attempt, Client, Ending, Farm, Host, Job, Scheduler, Stream } from './farm.ts';

/** icecream's client waits so long for an answer. */
const TIMEOUT_MS = 720_000;
/** The scheduler's own machine. */
const SITE = 0;

export class Central implements Scheduler {
  readonly name = 'central';
  #farm: Farm | null = null;
  /** Assigned and not known to have ended, by machine. */
  readonly #given = new Map<Host, number>();
  readonly #requests = new Map<Client, Stream>();
  readonly #waiting: Job[] = [];

  begin(farm: Farm): void {
    this.#farm = farm;
    for (const client of farm.clients) this.#requests.set(client, { arrivedAt: 0 });
    for (const { machine } of farm.hosts) {
      for (const spans of [machine.crashes, machine.ownerThere]) {
        for (const { untilMs } of spans) farm.at(untilMs, () => this.#assign());
      }
    }
  }

  submitted(job: Job): void {
    const arrive = (): void => {
      this.#waiting.push(job);
      this.#assign();
    };
    this.#farmOf().message(job.client.plan.site, SITE, arrive, this.#requests.get(job.client));
  }

  settled({ job, host }: Attempt, how: Ending): void {
    const farm = this.#farmOf();
    // The machine tells the scheduler that it is done; a frozen one never does.
    if (how !== 'timed-out') {
      farm.message(host.machine.site, SITE, () => {
        this.#given.set(host, this.#givenTo(host) - 1);
        this.#assign();
      });
    }
    if (how === 'done') {
      farm.finish(job, host === job.client.own);
    } else {
      this.#given.set(job.client.own, this.#givenTo(job.client.own) + 1);
      farm.send(job, job.client.own, Infinity);
    }
  }

  #assign(): void {
    const farm = this.#farmOf();
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      const host = this.#best(job.client);
      if (host === null) return;
      const assigned = job;
      this.#waiting.shift();
      this.#given.set(host, this.#givenTo(host) + 1);
      farm.message(SITE, job.client.plan.site, () => farm.send(assigned, host, TIMEOUT_MS));
    }
  }

  #givenTo(host: Host): number {
    return this.#given.get(host) ?? 0;
  }

  /** Speed over how full it is, among those with a slot; the client's own machine is one of them. */
  #best(client: Client): Host | null {
    const farm = this.#farmOf();
    let best: Host | null = null;
    let most = 0;
    for (const host of [client.own, ...farm.hosts]) {
      const given = this.#givenTo(host);
      const { machine } = host;
      const worth = machine.speed * (1 - given / machine.slots / 2);
      if (worth <= most || given >= machine.slots || !this.#isKnownFree(host)) continue;
      most = worth;
      best = host;
    }
    return best;
  }

  /** A frozen machine looks as it did before. */
  #isKnownFree({ machine }: Host): boolean {
    const { now } = this.#farmOf();
    if (isWithin(machine.freezes, now)) return !isWithin(machine.ownerThere, now);
    return isFree(machine, now);
  }

  #farmOf(): Farm {
    if (this.#farm === null) throw new Error('begin comes first');
    return this.#farm;
  }
}
