// The CLI's questions, answered over the agent's Unix socket: one JSON object in, one or more out.
import type { ControlCall } from '../../adapters/launcher-socket/types.ts';
import type { BuildProgress, MachineStatus, StatusReport } from '../report.ts';
import { criteriaProblem } from '../../adapters/config/criteria.ts';
import { policyNames } from '../../core/selection/index.ts';
import type { Agent } from './agent.ts';
import { explainTask, tasksOf } from './tasks.ts';

const watchEveryMs = 250;
/** How long workers may take to say what they have in hand; without their answer it is what they said last. */
const pollMs = 200;
/** More than a screen holds is not sent four times a second. */
const mostWatched = 200;

/** Answers one request; whatever it holds, the answer is JSON and the call ends (a watch: when its asker goes). */
export function answerControl(agent: Agent, request: unknown, call: ControlCall): void {
  const fields = typeof request === 'object' && request !== null ? (request as Record<string, unknown>) : {};
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '');
  const finish = (answer: object): void => {
    call.send(answer);
    call.end();
  };
  switch (fields['cmd']) {
    case 'ping':
      return finish({ pid: process.pid });
    case 'status':
      void agent.delegator.poll(pollMs).then(() => finish(statusOf(agent)));
      return;
    case 'stop':
      finish({ pid: process.pid });
      return agent.onStop();
    case 'cluster-changed':
      void agent.joinNetwork().then((joined) => finish(joined.ok ? {} : { error: joined.error }));
      return;
    case 'invite': {
      if (agent.network === null) return finish({ error: 'this machine is in no cluster; `tender init` makes one' });
      const minutes = typeof fields['minutes'] === 'number' ? fields['minutes'] : 15;
      void agent.network
        .invite(minutes)
        .then((made) => finish(made.ok ? { token: made.value } : { error: made.error }));
      return;
    }
    case 'explain': {
      const words = (name: string): string[] => (Array.isArray(fields[name]) ? fields[name].map(String) : []);
      const { compiler, cwd } = { compiler: text('compiler'), cwd: text('cwd') };
      if (!compiler.startsWith('/') || !cwd.startsWith('/')) return finish({ error: 'explain needs absolute paths' });
      const asked = { compiler, cwd, argv: words('argv'), env: words('env'), umask: 0o022, validUtf8: true };
      void agent.explain({ ...asked, stderrIsTerminal: false, stdoutIsTerminal: false }).then(
        (explanation) => finish(explanation),
        (error: unknown) => finish({ error: (error as Error).message }),
      );
      return;
    }
    case 'tasks': {
      const all = fields['all'] === true;
      if (fields['watch'] === true) return watchTasks(agent, all, call);
      void agent.delegator.poll(pollMs).then(() => finish(tasksOf(agent, all)));
      return;
    }
    case 'explain-task':
      return finish(explainTask(agent, text('task')));
    case 'owner':
      return finish(agent.owner.report());
    case 'owner-show':
      return finish(agent.owner.show(typeof fields['days'] === 'number' ? fields['days'] : 3));
    case 'owner-reread':
      agent.owner.reread();
      agent.owner.look();
      return finish(agent.owner.report());
    case 'calendars-changed':
      void agent.owner.followCalendars().then(() => finish(agent.owner.report()));
      return;
    case 'build-start': {
      const needs = text('needs');
      const fault = criteriaProblem(needs);
      if (fault !== null) return finish({ error: `--needs: ${fault}` });
      const named = fields['policy'];
      const policy = policyNames.find((name) => name === named) ?? null;
      if (policy === null && typeof named === 'string' && named !== '') {
        return finish({ error: `--policy: «${named}» is none; there are ${policyNames.join(', ')}` });
      }
      const started = agent.wishes.start(text('build'), { cwd: text('cwd') || '/', policy, needs });
      if (!started.ok) return finish({ error: started.error });
      agent.figures.start(text('build'));
      return finish({ slots: slotsInReach(agent, 0) });
    }
    case 'build-end':
      agent.recordKeeper.save();
      agent.wishes.end(text('build'));
      return finish(agent.figures.end(text('build')));
    case 'record-save':
      agent.recordKeeper.save();
      return finish({});
    case 'record-forget': {
      const gone = agent.recordKeeper.forget({
        project: text('project') || undefined,
        worker: text('worker') || undefined,
      });
      return finish(gone.ok ? { gone: gone.value } : { error: gone.error });
    }
    case 'owner-forget': {
      const gone = agent.owner.forget();
      return finish(gone.ok ? { gone: gone.value } : { error: gone.error });
    }
    case 'build-watch':
      return watchBuild(agent, text('build'), call);
    default:
      return finish({
        error: `this agent does not know «${text('cmd')}»; is it of another version? \`tender stop\` ends it`,
      });
  }
}

const assumedSlots = 8;
const assumedForMs = 3000;

/** Before anybody has answered: a small office rather than none, for a moment. */
function slotsInReach(agent: Agent, sinceMs: number): number {
  const remote = agent.delegation.slotsInReach(performance.now());
  const assumed = agent.network === null || sinceMs > assumedForMs ? 0 : assumedSlots;
  return agent.config.delegate.own_slots + Math.max(remote, assumed);
}

function watchBuild(agent: Agent, build: string, call: ControlCall): void {
  let last = '';
  const startedAt = performance.now();
  const tell = (): void => {
    const inFlight: Record<string, number> = {};
    for (const worker of agent.delegator.workers())
      if (worker.inHand.size > 0) inFlight[worker.name] = worker.inHand.size;
    const { waiting, runningHere } = agent.delegator.counts();
    const slots = slotsInReach(agent, performance.now() - startedAt);
    const progress: BuildProgress = { figures: { ...agent.figures.of(build), waiting, runningHere }, inFlight, slots };
    const text = JSON.stringify(progress);
    if (text !== last) call.send(progress);
    last = text;
  };
  const timer = setInterval(tell, watchEveryMs);
  call.onClosed(() => clearInterval(timer));
  tell();
}

function watchTasks(agent: Agent, all: boolean, call: ControlCall): void {
  const tell = (): void => call.send(tasksOf(agent, all, mostWatched));
  const timer = setInterval(tell, watchEveryMs);
  call.onClosed(() => clearInterval(timer));
  tell();
}

function statusOf(agent: Agent): StatusReport {
  const cpu = process.cpuUsage();
  const now = performance.now();
  const { network, workshop } = agent;
  const machines = agent.delegator.workers().map((worker): MachineStatus => {
    const info = worker.offer?.info;
    return {
      id: worker.id,
      name: worker.name,
      address: worker.address,
      slots: worker.offer?.slots ?? 0,
      cores: info?.cores ?? 0,
      ghz: info?.ghz ?? 0,
      load: info?.load ?? 0,
      memFreeBytes: info?.memFreeBytes ?? 0,
      remark: worker.remark,
      tasks: agent.delegator.labelsOf(worker),
      lastHeardMs: Math.round(now - worker.lastHeardAt),
    };
  });
  return {
    agent: {
      pid: process.pid,
      name: agent.config.machine.name,
      home: agent.home,
      version: '0.1.0',
      uptimeMs: Math.round(now - agent.startedAt),
      cpuMs: Math.round((cpu.user + cpu.system) / 1000),
      rssBytes: process.memoryUsage.rss(),
      cluster: network?.cluster.clusterName ?? null,
      port: network?.port ?? null,
      slots: workshop?.slots ?? 0,
      closedBecause: workshop === null ? 'this machine is in no cluster' : workshop.closedBecause,
      givesWay: workshop === null || workshop.slots === 0 ? '' : workshop.givesWay,
      load: workshop?.latest.load ?? 0,
      problems: [...agent.problems].map(([what, why]) => `${what}: ${why}`),
    },
    owner: agent.owner.report(),
    machines,
    lending: workshop?.worker.running() ?? [],
    ...agent.delegator.counts(),
    total: agent.figures.total,
  };
}
