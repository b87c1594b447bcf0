// What distcc does: every client has a list of machines and its own count of what it has there, waits up to 300 s for an
// answer, leaves a machine that failed out for 60 s, and runs the unit itself after three failures. In list order, or at random.
import type { Attempt, Client, Ending, Farm, Host, Job, Scheduler } from './farm.ts';

/** distcc's I/O time-out and its back-off. */
const TIMEOUT_MS = 300_000;
const BACKOFF_MS = 60_000;
const TRIES_MAX = 3;

interface View {
  /** Sent and not heard of, by machine; the client's own slots are the last entry of its list. */
  readonly sent: number[];
  readonly shunnedUntil: number[];
  readonly waiting: Job[];
  /** Where in the list the next turn begins. */
  next: number;
}

export class HostsFile implements Scheduler {
  readonly name: string;
  readonly #order: 'turns' | 'random';
  #farm: Farm | null = null;
  readonly #views = new Map<Client, View>();

  constructor(name: string, order: 'turns' | 'random') {
    this.name = name;
    this.#order = order;
  }

  begin(farm: Farm): void {
    this.#farm = farm;
    for (const client of farm.clients) {
      const zeros = (): number[] => Array.from({ length: farm.hosts.length + 1 }, () => 0);
      this.#views.set(client, { sent: zeros(), shunnedUntil: zeros(), waiting: [], next: 0 });
    }
  }

  submitted(job: Job): void {
    this.#viewOf(job.client).waiting.push(job);
    this.#place(job.client);
  }

  settled({ job, host }: Attempt, how: Ending): void {
    const farm = this.#farmOf();
    const { client } = job;
    const view = this.#viewOf(client);
    const place = host === client.own ? farm.hosts.length : host.index;
    view.sent[place] = (view.sent[place] ?? 0) - 1;
    if (how === 'done') {
      farm.finish(job, host === client.own);
    } else {
      view.shunnedUntil[place] = farm.now + BACKOFF_MS;
      farm.after(BACKOFF_MS, () => this.#place(client));
      if (++job.failures < TRIES_MAX) view.waiting.unshift(job);
      else this.#send(job, client.own, farm.hosts.length);
    }
    this.#place(client);
  }

  #place(client: Client): void {
    const view = this.#viewOf(client);
    while (view.waiting.length > 0) {
      const place = this.#pick(client, view);
      if (place === null) return;
      const job = view.waiting.shift();
      if (job !== undefined) this.#send(job, this.#farmOf().hosts[place] ?? client.own, place);
    }
  }

  #send(job: Job, host: Host, place: number): void {
    const view = this.#viewOf(job.client);
    view.sent[place] = (view.sent[place] ?? 0) + 1;
    this.#farmOf().send(job, host, TIMEOUT_MS);
  }

  /** A machine on which this client has a slot free: the next in the list, or any. */
  #pick(client: Client, view: View): number | null {
    const farm = this.#farmOf();
    const places = farm.hosts.length + 1;
    const from = this.#order === 'random' ? Math.floor(farm.random() * places) : view.next;
    for (let i = 0; i < places; i++) {
      const place = (from + i) % places;
      const { slots } = (farm.hosts[place] ?? client.own).machine;
      if ((view.sent[place] ?? 0) >= slots || (view.shunnedUntil[place] ?? 0) > farm.now) continue;
      view.next = (place + 1) % places;
      return place;
    }
    return null;
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
