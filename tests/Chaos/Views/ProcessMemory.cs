using System.Globalization;

namespace ControlPlane.Chaos;

/// <summary>What a process holds in memory, by Linux's account.</summary>
public static class ProcessMemory
{
    public static double MegabytesOf(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
    }
}
