// What an event says of its owner's whereabouts, out of what Outlook, Google, Apple, Exchange and the standard write.
import type { BusyStatus, EventFacts } from './types.ts';
import { parameter, textOf, type Property } from './values.ts';

const SUMMARY_MAX = 300;
const CATEGORIES_MAX = 30;

/** Links that mean: this takes place at a desk. */
const conference =
  /https:\/\/(?:[\w.-]*zoom\.us\/|teams\.microsoft\.com\/|teams\.live\.com\/|meet\.google\.com\/|[\w.-]*webex\.com\/|[\w.-]*gotomeeting\.com\/|[\w.-]*whereby\.com\/|meet\.jit\.si\/|[\w.-]*bluejeans\.com\/|[\w.-]*chime\.aws\/|[\w.-]*bigbluebutton[\w.-]*\/|app\.slack\.com\/huddle)/i;

const busyStates = new Map<string, BusyStatus>([
  ['FREE', 'free'],
  ['TENTATIVE', 'tentative'],
  ['BUSY', 'busy'],
  ['OOF', 'away'],
  ['WORKINGELSEWHERE', 'elsewhere'],
]);

export function factsOf(properties: readonly Property[], isDate: boolean, ownAddresses: readonly string[]): EventFacts {
  const one = (name: string): Property | undefined => properties.find((each) => each[0] === name);
  const upper = (name: string): string => textOf(one(name), 100).trim().toUpperCase();
  const location = textOf(one('location'), SUMMARY_MAX);
  const status = upper('status');
  const attendees = properties.filter((each) => each[0] === 'attendee').slice(0, 1000);
  const kindOf = (attendee: Property): string => parameter(attendee, 'cutype').toUpperCase();
  const persons = attendees.filter((each) => !['ROOM', 'RESOURCE'].includes(kindOf(each)));
  const own = attendees.filter((each) => ownAddresses.includes(addressOf(each)));
  const organizer = one('organizer');
  // The organiser meets the others even when the list of attendees leaves him out.
  const apart = organizer !== undefined && !persons.some((each) => addressOf(each) === addressOf(organizer)) ? 1 : 0;
  const links = [
    'url',
    'conference',
    'x-google-conference',
    'x-microsoft-skypeteamsmeetingurl',
    'x-microsoft-onlinemeetingexternallink',
  ];
  const said = [location, textOf(one('description'), 5000), ...links.map((name) => textOf(one(name), 500))].join(' ');
  const intended = upper('x-microsoft-cdo-intendedstatus');
  return {
    summary: textOf(one('summary'), SUMMARY_MAX),
    location,
    categories: properties
      .filter((each) => each[0] === 'categories')
      .flatMap((each) => each.slice(3).map((value) => String(value).slice(0, 100)))
      .slice(0, CATEGORIES_MAX),
    cancelled: status === 'CANCELLED',
    tentative: status === 'TENTATIVE' || own.some((each) => parameter(each, 'partstat').toUpperCase() === 'TENTATIVE'),
    transparent: upper('transp') === 'TRANSPARENT',
    busyStatus: busyStates.get(upper('x-microsoft-cdo-busystatus') || intended) ?? null,
    private: ['PRIVATE', 'CONFIDENTIAL'].includes(upper('class')),
    allDay: isDate || upper('x-microsoft-cdo-alldayevent') === 'TRUE',
    attendees: persons.length === 0 ? 0 : persons.length + apart,
    hasRoom:
      attendees.some((each) => kindOf(each) === 'ROOM') ||
      /^(?:room|raum|salle|sala|meeting room|conf(?:erence)? room)\b/i.test(location),
    declined: own.length > 0 && own.every((each) => parameter(each, 'partstat').toUpperCase() === 'DECLINED'),
    conference: conference.test(said) || one('x-google-conference') !== undefined || one('conference') !== undefined,
    special: specialOf(one, upper),
  };
}

/** Google's event types and Apple's and Outlook's marks for events that are no meetings. */
function specialOf(
  one: (name: string) => Property | undefined,
  upper: (name: string) => string,
): EventFacts['special'] {
  const type = upper('x-google-event-type') || upper('x-event-type');
  if (/FOCUS/.test(type)) return 'focus';
  if (/OUT_?OF_?OFFICE/.test(type)) return 'out-of-office';
  if (/WORKING_?LOCATION/.test(type)) {
    return /HOME/.test(upper('x-google-working-location') || upper('location') || upper('summary'))
      ? 'working-location-home'
      : 'working-location-office';
  }
  if (type === 'BIRTHDAY' || one('x-apple-birthday') !== undefined || one('x-google-birthday') !== undefined)
    return 'birthday';
  return null;
}

function addressOf(property: Property): string {
  return textOf(property, 300)
    .trim()
    .toLowerCase()
    .replace(/^mailto:/, '');
}
