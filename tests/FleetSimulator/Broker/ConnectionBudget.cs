using System.Globalization;

namespace ControlPlane.FleetSimulator.Broker;

/// <summary>How many connections the process may have.</summary>
internal static class ConnectionBudget
{
    private const string LimitsFile = "/proc/self/limits";
    private const string OpenFiles = "Max open files";

    // Assemblies, the runtime's own pipes, a listening test host.
    private const int ReservedFiles = 500;
    private const int UnknownLimit = 1_048_576;

    public static int NodesPerConnection(int nodes, int asked)
    {
        var connections = Math.Max(1, FileLimit() - ReservedFiles);
        return Math.Max(asked, (nodes + connections - 1) / connections);
    }

    private static int FileLimit()
    {
        if (!File.Exists(LimitsFile))
        {
            return UnknownLimit;
        }

        var line = File.ReadLines(LimitsFile).FirstOrDefault(line => line.StartsWith(OpenFiles, StringComparison.Ordinal));
        var soft = line?[OpenFiles.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : UnknownLimit;
    }
}
