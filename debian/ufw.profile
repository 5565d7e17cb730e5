[proxyd]
title=UDP proxy
description=Listeners of proxyd. Change the ports to those of your listen-on.
ports=5300/udp
