// Loaded into the client's agent when profiles are wanted (`node --import`): takes a CPU profile between one SIGUSR2 and the next,
// so that it holds what was measured and nothing else. A file says when the profiler runs, and the profile when it does no more.
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

const prefix = process.env['TENDER_BENCH_PROFILE'] ?? '';
let session: Session | null = null;
let taken = 0;

function start(): void {
  const opened = new Session();
  session = opened;
  opened.connect();
  opened.post('Profiler.enable');
  opened.post('Profiler.setSamplingInterval', { interval: 200 });
  opened.post('Profiler.start', () => writeFileSync(`${prefix}-${taken}.running`, ''));
}

function stop(opened: Session): void {
  session = null;
  opened.post('Profiler.stop', (error, { profile }) => {
    opened.disconnect();
    const file = `${prefix}-${taken++}`;
    writeFileSync(`${file}.part`, error === null ? JSON.stringify(profile) : error.message);
    renameSync(`${file}.part`, `${file}.cpuprofile`);
  });
}

process.on('SIGUSR2', () => (session === null ? start() : stop(session)));
