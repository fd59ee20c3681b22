/* Work: the task graph that drives flows. */
#ifndef WEFT_WORK_H
#define WEFT_WORK_H

#include "sim_i.h"

/* task.c */

/** Begin tasks that were added since the last run and wait for nothing. */
void weft__tasks_begin_new(weft_sim *sim);

/** EV_TASK: the time of a scheduled task has come, or a computation is over. */
void weft__task_event(weft_sim *sim, uint32_t task);

/** The flow of a SEND is complete, or has failed. */
void weft__task_flow_done(weft_sim *sim, uint32_t task, int ok);

/* pace.c */

/** How long a computation takes that begins now. */
weft_time weft__paced(const weft_sim *sim, uint32_t host, weft_time duration_ps);

/** Carry out a change. */
void weft__pace_change(weft_sim *sim, const weft_host_change *change);

#endif
