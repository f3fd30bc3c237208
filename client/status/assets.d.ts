// Imported with { type: 'text' }: the content of the file, inside the binary once compiled.
declare module '*/refresh.js' {
  const text: string;
  export default text;
}
declare module '*/sign-in.js' {
  const text: string;
  export default text;
}
