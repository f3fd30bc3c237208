import type { Command } from 'commander';

/** The shells that `completion` writes a script for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

interface Candidate {
  readonly word: string;
  readonly about: string;
}

/** What may follow one command: `trail` is its words with a space before each (`' clients list'`), empty at the top. */
interface Place {
  readonly trail: string;
  readonly words: readonly Candidate[];
  readonly flags: readonly (Candidate & { readonly takesValue: boolean })[];
}

/** A script for this shell that completes the program's commands and flags, made from the program itself. */
export function completionScript(shell: (typeof SHELLS)[number], program: Command): string {
  const places = placesOf(program, '', []);
  return { bash, zsh, fish }[shell](program.name(), places);
}

function placesOf(command: Command, trail: string, inherited: Place['flags']): readonly Place[] {
  const flags = [...command.options.map(flagCandidate).filter(({ word }) => word !== ''), ...inherited];
  const words = [
    ...command.commands.map((child) => ({ word: child.name(), about: child.description() })),
    ...command.registeredArguments.flatMap(({ argChoices }) => (argChoices ?? []).map((word) => ({ word, about: '' }))),
  ];
  const help = { word: '--help', about: 'print help', takesValue: false };
  const place = { trail, words, flags: [...flags, help] };
  return [place, ...command.commands.flatMap((child) => placesOf(child, `${trail} ${child.name()}`, flags))];
}

function flagCandidate({ long, description, required, optional }: Command['options'][number]): Place['flags'][number] {
  return { word: long ?? '', about: description, takesValue: required || optional };
}

function bash(name: string, places: readonly Place[]): string {
  const cases = places.map(
    ({ trail, words, flags }) => `    '${trail}') candidates='${list([...words, ...flags])}' ;;`,
  );
  return `# ${name} completion for bash. Use: source <(${name} completion bash)
${identifier(name)}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" trail='' candidates='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$trail $word" in
      ${trails(places)}) trail="$trail $word" ;;
    esac
  done
  case "$previous" in
    ${valueFlags(places)}) COMPREPLY=(); return ;;
  esac
  case "$trail" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -o default -F ${identifier(name)} ${name}
`;
}

function zsh(name: string, places: readonly Place[]): string {
  const described = ({ word, about }: Candidate) => quote(about === '' ? word : `${word}:${about}`);
  const cases = places.map(
    ({ trail, words, flags }) => `    ('${trail}') candidates=(${[...words, ...flags].map(described).join(' ')}) ;;`,
  );
  return `#compdef ${name}
# ${name} completion for zsh. Use: source <(${name} completion zsh)
${identifier(name)}() {
  local trail='' word
  local -a candidates
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$trail $word" in
      (${trails(places)}) trail="$trail $word" ;;
    esac
  done
  case "$words[CURRENT-1]" in
    (${valueFlags(places)}) _files; return ;;
  esac
  case "$trail" in
${cases.join('\n')}
  esac
  _describe '${name}' candidates
}
compdef ${identifier(name)} ${name}
`;
}

function fish(name: string, places: readonly Place[]): string {
  const lines = places.flatMap(({ trail, words, flags }) => {
    const own = trail === '' ? flags : flags.filter((flag) => !places[0]?.flags.some(({ word }) => word === flag.word));
    const condition = trail === '' ? '' : ` -n '${seen(trail)}'`;
    const first = trail === '' ? " -n '__fish_use_subcommand'" : condition;
    return [
      ...words.map(({ word, about }) => `complete -c ${name} -f${first} -a ${word} -d ${quote(about)}`),
      ...own.map(({ word, about, takesValue }) => {
        const value = takesValue ? ' -r' : '';
        return `complete -c ${name}${condition} -l ${word.slice(2)}${value} -d ${quote(about)}`;
      }),
    ];
  });
  return [`# ${name} completion for fish. Use: ${name} completion fish | source`, ...lines, ''].join('\n');
}

function seen(trail: string): string {
  const words = trail.trim().split(' ');
  return words.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');
}

function trails(places: readonly Place[]): string {
  return places
    .filter(({ trail }) => trail !== '')
    .map(({ trail }) => `'${trail}'`)
    .join('|');
}

function valueFlags(places: readonly Place[]): string {
  const flags = places.flatMap((place) => place.flags.filter(({ takesValue }) => takesValue));
  return [...new Set(flags.map(({ word }) => word))].join('|');
}

function list(candidates: readonly Candidate[]): string {
  return candidates.map(({ word }) => word).join(' ');
}

function identifier(name: string): string {
  return `_${name.replace(/\W/g, '_')}`;
}

/** Text as one word of a shell script. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
