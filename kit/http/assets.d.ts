// Imported with { type: 'file' }: the path of the file, inside the binary once compiled.
declare module 'swagger-ui-dist/swagger-ui-bundle.js' {
  const path: string;
  export default path;
}
declare module '*.css' {
  const path: string;
  export default path;
}
declare module '*.png' {
  const path: string;
  export default path;
}
// Imported with { type: 'text' }: the content of the file.
declare module '*.svg' {
  const text: string;
  export default text;
}
