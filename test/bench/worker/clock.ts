/**
 * A clock that the bench moves, so that an hour of few events takes seconds: `Date.now` and the objects' alarms go by it.
 * @module
 */

const DAY = 86_400_000;
const realNow = Date.now.bind(Date);
let offset = 0;
/** When each object's alarm rings, in ms. */
const alarms = new Map<string, number>();

/** Makes the Worker's clock the bench's, set to noon of this day: no run may cross midnight. */
export function takeClock(): void {
  const now = realNow();
  offset = DAY / 2 - (now % DAY);
  Date.now = () => realNow() + offset;
}

/** Makes an object's alarm one of this clock. */
export function takeAlarm(storage: DurableObjectStorage, object: string): void {
  storage.getAlarm = async () => alarms.get(object) ?? null;
  storage.setAlarm = async (time) => {
    alarms.set(object, Number(time));
  };
}

/** An object's alarm is ringing: none is set from now on. Until then it is, also for the constructor that comes before. */
export function rang(object: string): void {
  alarms.delete(object);
}

/** Moves the clock on by `ms`; every alarm on the way rings at its time, one after the other. */
export async function advance(ms: number, ring: (object: string) => Promise<void>): Promise<void> {
  const until = Date.now() + ms;
  for (;;) {
    const [first] = [...alarms].filter(([, at]) => at <= until).sort(([, a], [, b]) => a - b);
    if (first === undefined) break;
    const [object, at] = first;
    offset = Math.max(offset, at - realNow());
    await ring(object);
  }
  offset = Math.max(offset, until - realNow());
}
