# Writes weft_types.h anew: with the enumerators of engines and congestion controls as their lists
# have them, numbered in that order; and with a member of weft_config for each option that has none.

BEGIN {
  c_type["U32"] = "uint32_t"
  c_type["TIME"] = "weft_time"
  c_type["U64"] = "uint64_t"
  c_type["I64"] = "int64_t"
  c_type["F64"] = "double"
}

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

# A line of the table of options, or its first: {"name", WEFT_OPT_U32, ..., NEEDS(member, ...
FILENAME ~ /options\.c$/ {
  if (match($0, /^    \{"[a-z0-9_]+"/)) option = substr($0, RSTART + 6, RLENGTH - 7)
  if (match($0, /WEFT_OPT_[A-Z0-9]+/)) type = substr($0, RSTART + 9, RLENGTH - 9)
  if (/WEFT_UNIT_TIME/) type = "TIME"
  if (option == "" || !match($0, /(NEEDS|REFUSED|OWN|ALL_OF|FIELD)\([a-z0-9_]+/)) next
  member = substr($0, RSTART, RLENGTH)
  sub(/.*\(/, "", member)
  members[options++] = member
  declared[member] = c_type[type] " " member "; /* option " option " */"
  option = ""
  next
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

/^typedef struct weft_config \{$/ { in_config = 1 }

in_config {
  code = $0
  if (in_comment && !sub(/.*\*\//, "", code)) code = ""
  gsub(/\/\*[^*]*\*\//, "", code)
  in_comment = in_comment ? $0 !~ /\*\// : sub(/\/\*.*/, "", code)
  n = split(code, words, /[^a-z0-9_]+/)
  for (i = 1; i <= n; i++) delete declared[words[i]]
}

in_config && /^\} weft_config;$/ {
  in_config = 0
  for (i = 0; i < options; i++)
    if (members[i] in declared) print "  " declared[members[i]]
}

{ print }
