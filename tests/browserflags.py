"""What every Chromium of the tests is started with."""

from __future__ import annotations

#: an address bar that is a page of its own takes two thirds of a CPU-second and a process for each window, which nobody sees
UNSEEN = "WebUIOmniboxPopup,WebUIOmniboxAimPopup"
#: Chromium heeds the last list only: Playwright's own, and what is never seen
DISABLED = (
    "--disable-features=AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,"
    "HttpsFirstBalancedModeAutoEnable,LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,"
    "AvoidCorsURLLoaderRestartOnRedirect,TcpPortRandomizationWin,OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,"
    f"PreconnectToSearch,{UNSEEN}"
)
