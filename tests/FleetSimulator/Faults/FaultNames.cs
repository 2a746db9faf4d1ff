using System.Text.Json;

namespace ControlPlane.FleetSimulator.Faults;

/// <summary>The names of faults on the command line: <c>wrong-secret</c> for <see cref="SimulatedFault.WrongSecret"/>.</summary>
public static class FaultNames
{
    public static string Of(SimulatedFault fault) => JsonNamingPolicy.KebabCaseLower.ConvertName(fault.ToString());
}
