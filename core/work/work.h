/* Work: the task graph that drives flows. */
#ifndef WEFT_WORK_H
#define WEFT_WORK_H

#include "sim_i.h"

/** Begin tasks that were added since the last run and wait for nothing. */
void weft__tasks_begin_new(weft_sim *sim);

/** EV_TASK: the time of a scheduled task has come, or a computation is over. */
void weft__task_event(weft_sim *sim, uint32_t task);

/** The flow of a SEND is complete, or has failed. */
void weft__task_flow_done(weft_sim *sim, uint32_t task, int ok);

#endif
