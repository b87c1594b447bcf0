// A machine of core's with somebody who looks on: each step's event and effects are shown to him before they are carried out.
import type { StateMachine } from './machine-runner.ts';

export function watched<Event, Effect>(
  machine: StateMachine<Event, Effect>,
  look: (event: Event, effects: readonly Effect[], now: number) => void,
): StateMachine<Event, Effect> {
  return {
    step: (event, now) => {
      const effects = machine.step(event, now);
      look(event, effects, now);
      return effects;
    },
    nextWakeAt: () => machine.nextWakeAt(),
  };
}
