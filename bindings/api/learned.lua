-- What engine = "learned" has beside the others: examples to train models with, ranges of features.
return {
  name = "learned",
  title = "Learned corrections",
  brief = "Examples of flows for training, and what a model of engine `learned` is told.",
  receiver = "sim",
  functions = {
    { name = "learned_record", c = "weft_learned_record",
      brief = "Keep an example for each flow that ends from now on, with engine = \"learned\".",
      params = {}, example = "sim:learned_record()" },
    { name = "learned_examples", c = "weft_learned_examples",
      brief = "The examples so far, one after another: the number of the flow, ps that the fluid "
        .. "gives it, ps alone, links of its way; its features, and those of each link.",
      params = {}, returns = { "table", "list of numbers" },
      example = "local values = sim:learned_examples()" },
    { name = "learned_feature", c = "weft_learned_feature",
      brief = "A feature by its place in examples, those of flows first, then those of links.",
      params = { { "index", "integer", "from 0" } },
      returns = { "string, number, number, number", "its name; the least and the most that the "
        .. "model was trained on; what was furthest outside in this simulation, or a value in "
        .. "between. Nothing beyond the last" },
      example = "local name, least, most, seen = sim:learned_feature(0)" },
  },
}
