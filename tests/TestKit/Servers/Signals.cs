using System.Runtime.InteropServices;

namespace ControlPlane.TestKit;

/// <summary>The signals that .NET cannot send by itself.</summary>
internal static partial class Signals
{
    public const int Interrupt = 2;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static void Send(int processId, int signal)
    {
        if (SendNative(processId, signal) != 0)
        {
            throw new InvalidOperationException(
                $"signal {signal} to process {processId} failed with errno {Marshal.GetLastPInvokeError()}");
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SendNative(int processId, int signal);
}
