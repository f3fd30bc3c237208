import { Refusal } from '../kit/command';
import { ConfigFault } from '../kit/config';
import { type Finding, type Report, renderFindings, reportOn } from '../kit/finding';
import type { Output } from '../kit/output';
import type { Configuration } from './config';
import { checkDatabase, type DatabaseProcess } from './doctor-database';
import { checkAuthorities, checkFiles, checkOpenFiles, checkTls } from './doctor-machine';
import { checkRedis } from './doctor-redis';

/** What an examination takes from the process it runs in. */
export interface DoctorProcess extends DatabaseProcess {
  readonly configure: () => Configuration;
  readonly write: Output;
}

/** `doctor`: looks at what the server stands on, without changing it. @throws Refusal when something is wrong. */
export async function doctor(process: DoctorProcess, json: boolean): Promise<void> {
  const findings = await examine(process);
  const failed = findings.filter(({ state }) => state === 'fail').length;
  process.write.out(
    json ? `${JSON.stringify({ ok: failed === 0, findings }, null, 2)}\n` : renderFindings(findings, false),
  );
  if (failed > 0) throw new Refusal(`${failed} ${failed === 1 ? 'thing is' : 'things are'} wrong.`);
}

async function examine(process: DoctorProcess): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const about = (area: string): Report => reportOn(area, (finding) => findings.push(finding));
  const settings = about('configuration');
  try {
    const { config, warnings } = process.configure();
    for (const warning of warnings)
      settings.warn('settings', warning, 'crypto-server config shows where it comes from');
    if (warnings.length === 0) settings.ok('settings', 'all of them can be read');
    checkTls(config, process.now(), about('certificate'));
    checkAuthorities(config, process.now(), about('certificate'));
    checkOpenFiles(about('machine'));
    checkFiles(config, about('data'));
    await checkDatabase(config, process, about('database'));
    await checkRedis(config, process, about('redis'));
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    for (const fault of error.faults) settings.fail('settings', fault, 'crypto-server --help lists all of them');
  }
  return findings;
}
