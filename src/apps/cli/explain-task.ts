// `tender explain TASK`: what became of one compile and why, as a story with times from the moment the compiler was called.
import { homeDirectory } from '../../adapters/config/config.ts';
import { unreachable } from '../../base/assert.ts';
import type { Choice, Happening, TaskStory, WeighedPlace } from '../../core/story/types.ts';
import { complain } from '../complain.ts';
import type { Told } from '../report.ts';
import { ask } from './agent-client.ts';
import {
  counted,
  cutRight,
  fold,
  layTable,
  nearPath,
  paintFor,
  shortTime,
  widthOf,
  type Column,
  type Paint,
} from './terminal.ts';

/** Ends with 1 when no task, or more than one, is meant. */
export async function runExplainTask(task: string, json: boolean): Promise<number> {
  const answered = await ask(homeDirectory(), { cmd: 'explain-task', task });
  if (!answered.ok) return complain(answered.error);
  const found = answered.value[0] as Told;
  switch (found.is) {
    case 'none':
      return complain(
        task === ''
          ? 'no compile has come through Tender since its agent was started'
          : `nothing is known of «${task}»; \`tender tasks --all\` lists what is, and a compiler call goes after --`,
      );
    case 'many': {
      const more = found.count > found.labels.length ? `, and ${found.count - found.labels.length} more` : '';
      return complain(`«${task}» may be ${found.labels.join(', ')}${more}; say more of the path, or the task's number`);
    }
    case 'one': {
      const { stdout } = process;
      const lines = json
        ? [JSON.stringify({ ...found.story, queue: found.queue })]
        : renderStory(found.story, found.queue, { width: widthOf(stdout), cwd: process.cwd() }, paintFor(stdout));
      stdout.write(`${lines.join('\n')}\n`);
      return 0;
    }
    default:
      return unreachable(found);
  }
}

interface Room {
  readonly width: number;
  readonly cwd: string;
}

type Queue = Extract<Told, { is: 'one' }>['queue'];

/** Before what happened: «+1.84 s  ». */
const timeWidth = 9;

/** Lines for people, none wider than the room. */
export function renderStory(story: TaskStory, queue: Queue, room: Room, paint: Paint): string[] {
  const unit = story.label === '' ? 'a command without a source' : nearPath(story.label, room.cwd);
  const compiler = story.compiler === '' ? '' : `, ${story.compiler}`;
  const lines = [
    ...fold(`${unit} (task ${story.id}${compiler})`, room.width).map((line) => paint.bold(line)),
    ...fold(`${outcomeOf(story)}${queueText(queue)}.`, room.width),
  ];
  if (story.criteria !== '') lines.push(...fold(`It needs a machine with ${story.criteria}.`, room.width));
  lines.push('');
  for (const happening of story.happenings) {
    const { text, warns = false, table = [] } = tell(happening, room);
    const [first = '', ...more] = fold(text, room.width - timeWidth - 2);
    const when = sinceStart(happening.atMs).padStart(timeWidth);
    lines.push(`${paint.dim(when)}  ${warns ? paint.warn(first) : first}`);
    for (const line of more) lines.push(`${' '.repeat(timeWidth + 2)}${warns ? paint.warn(line) : line}`);
    for (const line of table) lines.push(paint.dim(`${' '.repeat(timeWidth + 4)}${line}`));
  }
  if (story.untold > 0) lines.push(cutRight(`and ${story.untold} things more, not kept`, room.width));
  return lines;
}

function outcomeOf(story: TaskStory): string {
  const took = story.tookMs === null ? '' : shortTime(story.tookMs);
  const ago = shortTime(Math.max(0, story.submittedAgoMs - (story.tookMs ?? 0)));
  switch (story.how) {
    case 'remote':
      return `Compiled on ${story.machine} in ${took} from start to end, ${ago} ago`;
    case 'local':
      return `Ran here, ${took} from start to end, ${ago} ago`;
    case 'stored':
      return `Not compiled: its result lay in the store, ${ago} ago`;
    case 'cancelled':
      return `Cancelled after ${took}, ${ago} ago`;
    case null:
      break;
  }
  const states = { waiting: 'Waits for a machine', away: 'Is away', here: 'Runs here', ended: 'Has ended' };
  return `${states[story.state]}, ${shortTime(story.submittedAgoMs)} after its start`;
}

function queueText(queue: Queue): string {
  if (queue === null) return '';
  const { waiting, slots, freeSlots } = queue;
  const held =
    slots === 0
      ? 'no machine holds a slot for this one'
      : freeSlots === 0
        ? `${slots === 1 ? 'the slot' : `all ${slots} slots`} that others hold for this machine ${slots === 1 ? 'is' : 'are'} in use`
        : `${freeSlots} of the ${slots} slots that others hold for this machine are free, but not for it`;
  return `; ${counted(waiting, 'task')} ${waiting === 1 ? 'waits' : 'wait'}, the longest goes first, and ${held}`;
}

interface ToldText {
  readonly text: string;
  /** Something went wrong. */
  readonly warns?: boolean;
  readonly table?: readonly string[];
}

function tell(happening: Happening, room: Room): ToldText {
  switch (happening.kind) {
    case 'announced': {
      const asked =
        happening.offersWanted === 0 ? 'enough offers stand' : `${counted(happening.offersWanted, 'offer')} asked for`;
      const who = happening.atMs < 0 ? 'its build had announced' : 'announced';
      const again = happening.again === 0 ? '' : `, again ${counted(happening.again, 'time')}`;
      return { text: `${who}: ${happening.tasks} of its kind to do, ${asked}${again}` };
    }
    case 'offer': {
      const { name, slots, load, remark } = happening;
      const why = remark.includes('free.for ') ? `${remark}; by then it may be its owner’s again` : remark;
      if (slots === 0) return { text: `${name} offers nothing: ${why === '' ? 'no reason given' : why}` };
      const but = why === '' ? '' : `; ${why}`;
      const had = happening.atMs < 0 ? 'had offered' : 'offers';
      return { text: `${name} ${had} ${counted(slots, 'slot')}, load ${load.toFixed(2)} per core${but}` };
    }
    case 'awarded': {
      const { name, hedge, choice } = happening;
      const first = `given to ${name}${whyOf(choice)}`;
      const second =
        hedge === 'tail'
          ? `given to ${name} too: expected to be done there much sooner`
          : `given to ${name} too: the first one takes far longer than expected`;
      return { text: `${hedge === 'no' ? first : second}${freeText(choice)}`, table: tableOf(choice, room) };
    }
    case 'started':
      return { text: `${happening.name} has its files and starts the compiler` };
    case 'result': {
      const { name, exit, ranMs, cpuMs, used } = happening;
      const ended = exit.how === 'signal' ? `ended by signal ${exit.signal}` : `ended with ${exit.code}`;
      const unused = used ? '' : '; nobody wanted it any more';
      return {
        text: `result from ${name}: ${ended} after ${shortTime(ranMs)}, ${shortTime(cpuMs)} of processor${unused}`,
      };
    }
    case 'failed': {
      const { name, code, message } = happening;
      if (code === 'owner-returned') return { text: `${name} was taken back: ${message}`, warns: true };
      return { text: `no result from ${name}: ${code}${message === '' ? '' : `, ${message}`}`, warns: true };
    }
    case 'told-to-stop':
      return { text: `${happening.name} is told to stop: ${happening.why}` };
    case 'here': {
      const { reason, detail, choice } = happening;
      const said = detail === '' || detail === reason ? '' : ` (${detail})`;
      const table = choice === null ? [] : tableOf(choice, room);
      const warns = reason === 'failed' || reason === 'queue-full' || reason === 'output-not-written';
      const free = choice === null ? '' : freeText(choice);
      return { text: `runs here: ${hereBecause(reason, choice)}${said}${free}`, warns, table };
    }
    case 'ended':
      return { text: endOf(happening.how) };
    default:
      return unreachable(happening);
  }
}

function endOf(how: 'remote' | 'local' | 'stored' | 'cancelled'): string {
  switch (how) {
    case 'remote':
      return 'done: outputs written, the build goes on';
    case 'local':
      return 'done here';
    case 'stored':
      return 'answered from the store';
    case 'cancelled':
      return 'cancelled: its caller went away';
  }
}

function hereBecause(reason: Extract<Happening, { kind: 'here' }>['reason'], choice: Choice | null): string {
  switch (reason) {
    case 'own-slot':
      return choice !== null && choice.count > 1
        ? `this machine has a free slot and ${bestBy(choice)}, of ${choice.count}`
        : 'this machine has a free slot, and no other offers one';
    case 'nobody':
      return 'no machine offered a slot in time';
    case 'stays':
      return 'it cannot be done elsewhere';
    case 'failed':
      return 'it failed elsewhere too often';
    case 'output-not-written':
      return 'what came back could not be written';
    case 'queue-full':
      return 'too many tasks wait';
  }
}

function whyOf(choice: Choice): string {
  if (choice.count === 1) return ', the only one with a free slot';
  return `, which ${bestBy(choice)}, of ${choice.count} with a free slot`;
}

/** What a policy looks for, as a property of its choice. */
function bestBy({ policy }: Choice): string {
  switch (policy) {
    case 'finish':
      return 'is expected to be done first';
    case 'record':
      return 'was the fastest so far';
    case 'info':
      return 'is the best equipped';
    case 'first':
      return 'was the first to offer';
    default:
      return policy;
  }
}

/** Anything less is worth a word. */
const SURE = 0.98;

/** What the owners of machines had to do with the choice, in words: S(d), d and d / S(d) of the places where it counted. */
function freeText({ policy, places, estimateMs }: Choice): string {
  const [chosen, ...others] = places;
  if (policy !== 'finish' || chosen === undefined) return '';
  const needMs = (place: WeighedPlace): number => place.overheadMs + place.runMs;
  const sentence = (place: WeighedPlace, lost: boolean): string => {
    const where = place.worker === null ? 'this machine' : place.name;
    const share = `${Math.round(place.staysFree * 100)} %`;
    const [need, cost] = [shortTime(needMs(place)), shortTime(place.costMs)];
    return lost
      ? `${where} would need ${need}, but is likely to stay free for that with ${share} only, which counts as ${cost}`
      : `it needs ${need} there, and ${where} stays free for that with ${share}, which counts as ${cost}`;
  };
  const said = chosen.staysFree < SURE ? [sentence(chosen, false)] : [];
  for (const place of others) {
    if (place.staysFree < SURE && needMs(place) < needMs(chosen) && place.costMs > chosen.costMs)
      said.push(sentence(place, true));
  }
  if (said.length === 0) return '';
  return `. Four of five such tasks take at most ${shortTime(estimateMs)} on a machine like this one; ${said.join('; ')}`;
}

const placeColumns: readonly Column[] = [
  { head: '' },
  { head: 'machine', flexible: 'cut-right' },
  { head: 'speed', align: 'right' },
  { head: 'load', align: 'right' },
  { head: 'send', align: 'right' },
  { head: 'run', align: 'right' },
  { head: 'stays', align: 'right' },
  { head: 'done in', align: 'right' },
];

/** The figures that decided; the first row is the chosen place. */
function tableOf({ places, count }: Choice, { width }: Room): string[] {
  if (places.length === 0) return [];
  const rows = places.map((place: WeighedPlace, index) => [
    index === 0 ? '→' : '',
    place.worker === null ? 'here' : place.name,
    `${place.rate.toFixed(2)}×`,
    place.load === null ? '' : place.load.toFixed(2),
    shortTime(place.overheadMs),
    shortTime(place.runMs),
    `${Math.round(place.staysFree * 100)} %`,
    shortTime(place.costMs),
  ]);
  const lines = layTable(placeColumns, rows, width - timeWidth - 4);
  return count > places.length ? [...lines, `   and ${count - places.length} more`] : lines;
}

/** «0», «+12 ms», «+1.84 s», «−340 ms». */
function sinceStart(ms: number): string {
  const size = Math.abs(ms);
  const text =
    size < 999.5 ? `${Math.round(size)} ms` : size < 99_995 ? `${(size / 1000).toFixed(2)} s` : shortTime(size);
  return ms < -0.5 ? `−${text}` : `+${text}`;
}
