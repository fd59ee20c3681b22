-- Functions of core/weft.h that Lua does not have under a name of their own, and why.
return {
  weft_error_name = "errors are raised with their name and text",
  weft_error_text = "errors are raised with their name and text",
  weft_sim_error = "errors are raised with their name and text",
  weft_enum_id = "core.constants has the names of all enumerations",
  weft_enum_names = "core.constants has the names of all enumerations",
  weft_enum_value = "names are what scripts give and get",
  weft_link_def_default = "link_add starts from it",
  weft_link_change_default = "link_schedule starts from it",
  weft_link_impairment_default = "link_impair starts from it",
  weft_storm_default = "storm_add starts from it",
  weft_host_change_default = "host_schedule starts from it",
  weft_flow_def_default = "flow_add and flows_add start from it",
  weft_task_def_default = "task_add starts from it",
  weft_collective_def_default = "collective_add starts from it",
  weft_config_default = "core.new starts from it, core.options() lists it",
}
