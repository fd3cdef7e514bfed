import type { Template } from '../../src/client/types.generated.js';
import { Check, Input, Segmented, Select } from '../parts/index.js';
import { FoldedCard } from './folded-card.js';
import type { FormProgram, ProgramKind } from './program.js';
import type { SectionProps } from './section-props.js';
import { runsSomething } from './templates.js';

/** What runs beside SSH from the start on; most rent the bare machine, or take what a template runs. */
export function ProgramSection({ form, problems, set, template }: SectionProps & { template: Template | undefined }) {
  const { program } = form;
  const isUsual = template !== undefined && runsSomething(template);
  const isWrong = (['command', 'args', 'workdir', 'restart'] as const).some((place) => problems[place] !== undefined);
  const change = (part: Partial<FormProgram>) => set({ program: { ...program, ...part } });
  const usual = isUsual ? 'What the template runs' : 'Nothing';
  const runs = program.runs !== 'usual' || isUsual;
  return (
    <FoldedCard title="Main program" said={saidOf(program, usual)} isOpen={program.runs !== 'usual' || isWrong}>
      <Segmented
        label="Main program"
        value={program.runs}
        options={[
          { value: 'usual', label: usual },
          { value: 'command', label: 'A command' },
          { value: 'image', label: 'What the image runs' },
        ]}
        onChange={(value) => change({ runs: value as ProgramKind })}
      />
      {program.runs === 'command' && <CommandField {...{ program, change }} error={problems.command} />}
      {runs && program.runs !== 'command' && (
        <div data-place="args">
          <Input
            label="Arguments"
            class="mono-input"
            placeholder={isUsual && program.runs === 'usual' ? (template.args ?? []).join(' ').slice(0, 80) : ''}
            value={program.args}
            error={problems.args}
            hint={`Instead of those of the ${program.runs === 'image' ? 'image' : 'template'}. Quotation marks hold words together.`}
            onInput={(args) => change({ args })}
          />
        </div>
      )}
      {runs && <Rules {...{ program, change, problems }} />}
    </FoldedCard>
  );
}

function saidOf({ runs, command }: FormProgram, usual: string): string {
  if (runs === 'command') return command.trim() === '' ? 'a command' : command.trim().slice(0, 60);
  return (runs === 'image' ? 'what the image runs' : usual).toLowerCase();
}

interface PartProps {
  program: FormProgram;
  change(part: Partial<FormProgram>): void;
}

function CommandField({ program, change, error }: PartProps & { error: string | undefined }) {
  return (
    <div data-place="command" class="stack tight">
      <Input
        label="Command"
        class="mono-input"
        placeholder="python train.py --epochs 3"
        value={program.command}
        error={error}
        hint="As in a terminal, by the shell of the image. What it prints is the log of the job."
        onInput={(command) => change({ command })}
      />
      <Check
        label="The image has no shell: start the program itself"
        checked={program.isShellLess}
        onChange={(isShellLess) => change({ isShellLess })}
      />
    </div>
  );
}

function Rules({ program, change, problems }: PartProps & Pick<SectionProps, 'problems'>) {
  const { workdir, restart, endsJob } = program;
  return (
    <>
      <div class="rent-more">
        <div data-place="workdir">
          <Input
            {...{ label: 'Folder', class: 'mono-input', placeholder: 'that of the image' }}
            {...{ value: workdir, error: problems.workdir }}
            onInput={(value) => change({ workdir: value })}
          />
        </div>
        <div data-place="restart">
          <Select
            label="When it ends"
            value={restart}
            options={[
              { value: '', label: 'as usual' },
              { value: 'never', label: 'it stays ended' },
              { value: 'on_failure', label: 'start it again if it failed' },
              { value: 'always', label: 'start it again' },
            ]}
            error={problems.restart}
            onChange={(value) => change({ restart: value })}
          />
        </div>
      </div>
      <Check
        label="End the job with it, so that nothing more is paid"
        checked={endsJob && restart !== 'always'}
        disabled={restart === 'always'}
        onChange={(isOn) => change({ endsJob: isOn })}
      />
    </>
  );
}
