using System.Diagnostics;

namespace ControlPlane.Access;

/// <summary>The trace by which the record tells what belongs together.</summary>
public static class CallTrace
{
    /// <summary>That of the work at hand; a new one where whoever called does not trace.</summary>
    public static string Current() => (Activity.Current?.TraceId ?? ActivityTraceId.CreateRandom()).ToString();
}
