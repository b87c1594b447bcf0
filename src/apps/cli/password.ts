// Asks for a password at the terminal without showing it.
import { err, ok, type Result } from '../../base/result.ts';

/** The error says what to do where nobody can be asked. */
export function askPassword(prompt: string): Promise<Result<string, string>> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY)
    return Promise.resolve(
      err('nobody can be asked for a password here; --password-stdin reads it from standard input'),
    );
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.resume();
  stdin.setEncoding('utf8');
  return new Promise((resolve) => {
    let typed = '';
    const end = (result: Result<string, string>): void => {
      stdin.off('data', take);
      stdin.setRawMode(false);
      stdin.pause();
      stderr.write('\n');
      resolve(result);
    };
    const take = (text: string): void => {
      for (const letter of text) {
        if (letter === '\r' || letter === '\n') return end(ok(typed));
        if (letter === '\u0003' || letter === '\u0004') return end(err('no password was given'));
        if (letter === '\u007F' || letter === '\b') typed = typed.slice(0, -1);
        else typed += letter;
      }
    };
    stdin.on('data', take);
  });
}
