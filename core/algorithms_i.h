/* The congestion controls. Each is a file in packet/cc/, and here a line: its number, its name and
 * its table. */
#ifndef WEFT_ALGORITHMS_I_H
#define WEFT_ALGORITHMS_I_H

/* X(with, NAME, name, table, variants) for each, in the order of their numbers; which variant is
 * used, the first says: cc_ops.variant. Numbers stay, so new ones come last. */
/* clang-format off */
#define ALGORITHMS(X, with) \
  X(with, WINDOW, window, weft__cc_window, 1) \
  X(with, DCTCP, dctcp, weft__cc_dctcp, 1) \
  X(with, HPCC, hpcc, weft__cc_hpcc, 2) \
  X(with, DCQCN, dcqcn, weft__cc_dcqcn, 1) \
  X(with, TIMELY, timely, weft__cc_timely, 1) \
  X(with, SWIFT, swift, weft__cc_swift, 1) \
  X(with, SCRIPT, script, weft__cc_script, WEFT_SCRIPT_NEEDS_COUNT) \
  X(with, RENO, reno, weft__cc_reno, 1) \
  X(with, CUBIC, cubic, weft__cc_cubic, 1) \
  X(with, BBR, bbr, weft__cc_bbr, 1)
/* clang-format on */

#endif
