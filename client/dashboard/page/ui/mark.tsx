/** The sign of the product. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
      <rect width="32" height="32" rx="8" class="mark-ground" />
      <path d="M6 21l6-7 5 4 9-10" fill="none" class="mark-line" />
    </svg>
  );
}
