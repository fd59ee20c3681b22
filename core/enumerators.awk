# Writes weft_types.h anew with the enumerators of engines and congestion controls as their lists have
# them, numbered in that order; comments stay. `make` calls it with the lists, then the header.

function known(line) {
  match(line, /[A-Z_0-9]+/)
  return substr(line, RSTART, RLENGTH)
}

function put(of,    i, name, all) {
  all = of == "WEFT_CC_" # its last one is how many there are
  for (i = 0; i < count[of]; i++) {
    name = of names[of, i]
    print "  " name " = " i (i < count[of] - 1 || all ? "," : "") comment[name]
  }
  if (all) print "  " of "COUNT = " i
}

FILENAME ~ /_i\.h$/ {
  if ($0 !~ /^  X\(with, /) next
  of = FILENAME ~ /engines/ ? "WEFT_ENGINE_" : "WEFT_CC_"
  split($0, words, /[(,] */)
  name = words[3] ~ /^[A-Z]/ ? words[3] : words[4] # the one in capitals
  names[of, count[of]++] = name
  next
}

/^enum weft_(engine|cc_kind) \{$/ {
  inside = $2 == "weft_engine" ? "WEFT_ENGINE_" : "WEFT_CC_"
  print
  next
}

inside != "" && /^};$/ {
  put(inside)
  inside = ""
}

inside != "" {
  if ($0 ~ /^  WEFT_/) last = known($0)
  at = index($0, "/*")
  if ($0 !~ /^  WEFT_/) comment[last] = comment[last] "\n" $0
  else if (at > 0) comment[last] = " " substr($0, at)
  next
}

{ print }
