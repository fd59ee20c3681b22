/* Work: the task graph that drives flows. */
#ifndef WEFT_WORK_H
#define WEFT_WORK_H

#include "sim_i.h"

/* task.c */

/** Begin tasks that were added since the last run and wait for nothing. */
void weft__tasks_begin_new(weft_sim *sim);

/** EV_TASK: the time of a scheduled task has come, or a computation is over. */
void weft__task_event(weft_sim *sim, uint32_t task);

/** Hear what flows have told, and do what follows. */
void weft__work_hear(weft_sim *sim);

/** Add a task without looking at it; returns its index or a negative status. */
int weft__task_push(weft_sim *sim, const weft_task_def *def, uint32_t collective);

/* stream.c */

/** Begin a collective: send what needs nothing of others. Returns 1 if that was all. */
int weft__collective_begin(weft_sim *sim, uint32_t collective);

/** A message of it is all sent, or has arrived: send what waited for that. Returns 1 if it was the
 *  last to arrive. */
void weft__collective_sent(weft_sim *sim, uint32_t collective, uint32_t part);
int weft__collective_arrived(weft_sim *sim, uint32_t collective, uint32_t part);

/* pace.c */

/** How long a computation takes that begins now. */
weft_time weft__paced(const weft_sim *sim, uint32_t host, weft_time duration_ps);

/** Carry out a change. */
void weft__pace_change(weft_sim *sim, const weft_host_change *change);

#endif
