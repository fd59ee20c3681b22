-- Functions of core/weft.h that Lua does not have under a name of their own, and why.
return {
  weft_error_name = "errors are raised with their name and text",
  weft_error_text = "errors are raised with their name and text",
  weft_sim_error = "errors are raised with their name and text",
  weft_config_default = "core.new starts from it, core.options() lists it",
}
