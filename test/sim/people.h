/* people.h - everybody else on the machine: operators with a docker client, other programs, strangers. */
#pragma once

struct sim;

void sim_people_arrive(struct sim *s); /* what was there before the agent */
void sim_people_act(struct sim *s);    /* one person does one thing */
void sim_people_leave(struct sim *s);  /* some of those who stand in the way go */
