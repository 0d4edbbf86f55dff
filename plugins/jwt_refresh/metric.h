/* metric.h - the numbers of the plugin's metrics; jwt_refresh.c has their names. */
#ifndef JWT_REFRESH_METRIC_H
#define JWT_REFRESH_METRIC_H

/* Places in the plugin's metrics. */
enum metric {
    METRIC_REFRESHES,
    METRIC_REFRESH_DURATION,
    METRIC_REFRESHES_FAILED,
    METRIC_LOGINS,
    METRIC_LOGINS_FAILED,
    METRIC_SIGNED,
    METRIC_401_SEEN,
    METRIC_401_SAVED,
    METRIC_401_LEFT,
    METRIC_DROPPED,
    METRIC_HELD,
    METRIC_ODD_TOKENS,
    METRIC_USERS_LOST
};

#endif
