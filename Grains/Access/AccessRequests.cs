using System.Reflection;

namespace ControlPlane.Access;

/// <summary>Makes of a call what the policy is asked: the same of a route as of the grain method behind it. Pure.</summary>
public static class AccessRequests
{
    private const string NodeName = "identity";
    private const string OverlayName = "overlay";
    private const string IdName = "id";
    private const string ReasonName = "reason";

    /// <summary>What a call asks to be allowed.</summary>
    /// <param name="required">What it demands.</param>
    /// <param name="operation">Its name, for the record.</param>
    /// <param name="named">What it names by text: a route's values, or a method's texts by the names of their parameters.</param>
    /// <param name="given">What else it was made with: the body, or the arguments.</param>
    public static AccessRequest Of(
        RequiresAttribute required, string operation, IReadOnlyDictionary<string, string> named, IReadOnlyList<object?> given)
    {
        var action = given.OfType<INamesAction>().FirstOrDefault();
        var id = named.GetValueOrDefault(IdName);
        return new AccessRequest(required.Permission)
        {
            Node = named.GetValueOrDefault(NodeName),
            Overlay = named.GetValueOrDefault(OverlayName) ?? action?.Overlay,
            Plan = required.On == AccessTarget.Plan ? id : null,
            Job = required.On == AccessTarget.Job ? id : null,
            Agent = action?.Agent,
            Action = action?.Action,
            AlsoActions = action?.AlsoActions ?? [],
            Targets = action?.TargetsMax,
            Reason = given.OfType<IGivesReason>().FirstOrDefault()?.Reason ?? named.GetValueOrDefault(ReasonName),
            Operation = operation,
            Parameters = named.Concat(CallParameters.Of(given)).DistinctBy(part => part.Key)
                .ToDictionary(part => part.Key, part => part.Value, StringComparer.Ordinal),
        };
    }

    /// <summary>What a call of a grain asks to be allowed.</summary>
    /// <param name="method">The method of the public contract.</param>
    /// <param name="required">What it demands.</param>
    /// <param name="operation">Its name, for the record.</param>
    /// <param name="key">The grain's key.</param>
    /// <param name="arguments">In the order of the method's parameters.</param>
    public static AccessRequest OfGrain(
        MethodInfo method, RequiresAttribute required, string operation, string key, IReadOnlyList<object?> arguments)
    {
        var named = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (parameter, argument) in method.GetParameters().Zip(arguments))
        {
            if (argument is string text)
            {
                named[parameter.Name!] = text;
            }
        }

        if (KeyNameOf(required.On) is { } name)
        {
            named[name] = key;
        }

        return Of(required, operation, named, [.. arguments.Where(argument => argument is not string)]);
    }

    private static string? KeyNameOf(AccessTarget on) => on switch
    {
        AccessTarget.Node => NodeName,
        AccessTarget.Overlay => OverlayName,
        AccessTarget.Job => IdName,
        _ => null,
    };
}
