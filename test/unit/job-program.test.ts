import { describe, expect, test } from '@jest/globals';
import { programSpec, type ProgramRequest } from '../../src/domain/job-program.js';
import { jobRequestSchema } from '../../src/domain/job-request.js';
import { jobPod, jobSecret } from '../../src/kubernetes/manifests/job.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { podEnded, programEnded } from '../../workflows/job-endings.js';
import type { PodObservation } from '../../workflows/job-messages.js';

const schema = jobRequestSchema({
  defaultImage: 'docker.io/library/debian:12',
  images: {},
  minDurationS: 60,
  maxDurationS: 86_400,
} as unknown as Parameters<typeof jobRequestSchema>[0]);
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@example';
const parse = (fields: object) => schema.safeParse({ gpu_count: 0, ssh_public_keys: [key], ...fields });
const programIn = (fields: object) => parse(fields).data?.program;
const problemsOf = (fields: object) =>
  parse(fields).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];

describe('the main program of an order', () => {
  test('an order without a program has none', () => {
    const request = parse({}).data!;
    expect(request).not.toHaveProperty('program');
    expect(parse({ command: undefined, workdir: '', restart: 'never', end_with_command: false }).data).toEqual(request);
  });

  test('a program has its arguments, its folder and what happens when it ends', () => {
    expect(
      programIn({ command: ['python', 'train.py'], args: ['--fast'], workdir: '/w', end_with_command: true }),
    ).toEqual({ command: ['python', 'train.py'], args: ['--fast'], workdir: '/w', restart: 'never', endsJob: true });
    expect(programIn({ entrypoint: 'image', restart: 'always' })).toEqual({
      args: [],
      restart: 'always',
      endsJob: false,
    });
  });

  test('a mistake in a program is refused with the field that has it', () => {
    const both = { command: ['a'], end_with_command: true };
    const cases: [object, RegExp][] = [
      [{ command: 'python train.py' }, /^command: must be a list of texts/],
      [{ command: [] }, /^command: must name a program/],
      [{ command: [''] }, /^command: must begin with the name/],
      [{ command: ['a', 'b\0'] }, /^command\.1: holds a NUL/],
      [{ command: ['a', '\ud800'] }, /^command\.1: holds a NUL or half/],
      [{ command: ['a'], args: ['x'.repeat(8_190)] }, /^command: and args are 8193 bytes together; 8192/],
      [{ command: ['a', ...Array.from({ length: 8_191 }, () => '')] }, /^command: and args are 8193 bytes/],
      [{ command: ['a'], workdir: 'here' }, /^workdir: must be an absolute path/],
      [{ command: ['a'], workdir: '/a\0' }, /^workdir: holds a NUL/],
      [{ command: ['a'], workdir: `/${'x'.repeat(1_024)}` }, /^workdir: must be at most 1024 bytes/],
      [{ command: ['a'], restart: 'sometimes' }, /^restart: /],
      [{ command: ['a'], entrypoint: 'image' }, /^entrypoint: cannot be given together/],
      [{ entrypoint: '/bin/sh' }, /^entrypoint: /],
      [{ ...both, restart: 'always' }, /^end_with_command: never happens/],
      [{ args: ['a'] }, /^args: needs a command/],
      [{ workdir: '/w' }, /^workdir: needs a command/],
      [{ restart: 'always' }, /^restart: needs a command/],
      [{ end_with_command: true }, /^end_with_command: needs a command/],
    ];
    for (const [fields, problem] of cases) expect(problemsOf(fields)).toEqual([expect.stringMatching(problem)]);
    expect(problemsOf({ command: ['a'], args: ['x'.repeat(8_189)] })).toEqual([]);
  });

  test('an image runs its entrypoint with its own arguments, or with those of the order', () => {
    const image = { entrypoint: ['/entry', '-v'], cmd: ['serve'] };
    const asked: ProgramRequest = { args: [], restart: 'never', endsJob: false };
    expect(programSpec(asked, image)?.argv).toEqual(['/entry', '-v', 'serve']);
    expect(programSpec({ ...asked, args: ['train'] }, image)?.argv).toEqual(['/entry', '-v', 'train']);
    expect(programSpec({ ...asked, command: ['mine'] }, image)?.argv).toEqual(['mine']);
    expect(programSpec(asked, { entrypoint: [], cmd: [] })).toBeUndefined();
  });
});

describe('the pod of a job with a program', () => {
  const order = {
    ...{ jobId: '01890a5d-ac96-774b-bcce-b302099a8057', wallet: `0x${'a'.repeat(40)}` },
    ...{
      gpuCount: 0,
      cpuCores: 1,
      memoryMb: 1_024,
      storageGb: 1,
      image: 'docker.io/library/debian:12',
      durationSeconds: 60,
    },
  };
  const placement = { providerId: 'atlas', nodeName: 'atlas', pricePerHour: 1 };
  const settings = {
    ...{
      sshServerImage: 'ssh-server:1',
      defaultImage: 'docker.io/library/default:1',
      pullUnresolved: 'Always' as const,
    },
    ...{ activeDeadlineSeconds: 60, expiresAt: '2030-01-01T00:00:00Z' },
  };
  const rules = { restart: 'never', endsJob: true } as const;
  const program = { argv: ['train', '--token=secret'], restart: 'never', end_with_command: true } as const;

  test('names a file, and what it runs is in the Secret alone', () => {
    const pod = jobPod({ ...order, program: rules }, placement, [], settings);
    expect(pod.spec!.containers[0]!.command!.slice(-2)).toEqual(['--program', '/etc/worldland/program.json']);
    expect(JSON.stringify(pod)).not.toContain('token=');
    const inputs = { sshPublicKeys: [], env: {}, program: { ...program, argv: [...program.argv] } };
    const { stringData } = jobSecret({ ...order, program: rules }, placement, inputs, 'key');
    expect(JSON.parse(stringData!['program.json']!)).toEqual(program);
  });

  test('differs from the pod of a job without one in nothing else', () => {
    const without = jobPod(order, placement, [], settings);
    const { command, ...container } = jobPod({ ...order, program: rules }, placement, [], settings).spec!
      .containers[0]!;
    expect({ ...container, command: command!.slice(0, -2) }).toEqual(without.spec!.containers[0]);
    expect(JSON.stringify(without)).not.toContain('program');
  });
});

describe('the end of a job with its program', () => {
  const pod = (change: Partial<PodObservation>): PodObservation => ({
    ...{ phase: 'failed', uid: '1', resourceVersion: '2', endedAt: instantAt(1_000) },
    ...change,
  });
  const endOf = (change: Partial<PodObservation>, wasReady = true, endsJob = true) =>
    programEnded(podEnded(pod(change), 'atlas', {}, 2_000), pod(change), { restart: 'never', endsJob }, wasReady);

  test('an exit code of 0 completes the job, and any other fails it and is told', () => {
    expect(endOf({ phase: 'succeeded', exitCode: 0 })).toMatchObject({ status: 'completed', exitCode: 0 });
    const failed = endOf({ exitCode: 3 });
    expect(failed).toMatchObject({ status: 'failed', exitCode: 3, podEndedAt: instantAt(1_000) });
    expect(failed.failure).toEqual({ reason: 'container_exited', message: 'the program ended with exit code 3' });
  });

  test('nothing is completed on a machine that was never ready, because nothing is paid for it', () => {
    for (const endsJob of [true, false]) {
      const early = endOf({ phase: 'succeeded', exitCode: 0 }, false, endsJob);
      expect(early).toMatchObject({ status: 'failed', failure: { reason: 'container_exited' } });
      expect(early).not.toHaveProperty('exitCode');
    }
  });

  test('a machine that stays when its program ends says nothing of the program when it ends itself', () => {
    const completed = endOf({ phase: 'succeeded', exitCode: 0 }, true, false);
    expect(completed).toMatchObject({ status: 'completed', message: 'the container was ended from inside' });
    const failed = endOf({ exitCode: 3 }, true, false);
    expect(failed.failure).toMatchObject({ message: 'the container stopped with exit code 3' });
    for (const end of [completed, failed]) expect(end).not.toHaveProperty('exitCode');
  });

  test('a server that was stopped from outside completes nothing, and who stopped it decides before its exit code', () => {
    const stopped = { exitCode: 143 };
    expect(endOf(stopped)).toMatchObject({ status: 'failed', exitCode: 143 });
    for (const [change, end] of [
      [{ cause: 'deadline' }, { status: 'expired' }],
      [{ phase: 'gone' }, { status: 'failed', failure: { reason: 'pod_deleted' } }],
      [{ disrupted: sentence('the machine shuts down') }, { status: 'provider_lost' }],
      [{ cause: 'disk_full' }, { status: 'failed', failure: { reason: 'storage_exceeded' } }],
    ] as const) {
      expect(endOf({ ...stopped, ...change })).toMatchObject(end);
      expect(endOf({ ...stopped, ...change })).not.toHaveProperty('exitCode');
    }
  });

  test('what the machine did is not blamed on the program', () => {
    expect(endOf({ phase: 'gone', exitCode: 1 })).toMatchObject({ failure: { reason: 'pod_deleted' } });
    expect(endOf({ exitCode: 137, cause: 'out_of_memory' })).toMatchObject({
      exitCode: 137,
      failure: { cause: 'out_of_memory' },
    });
  });
});
