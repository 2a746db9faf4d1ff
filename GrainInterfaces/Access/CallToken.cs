using Orleans.Runtime;

namespace ControlPlane.Access;

/// <summary>The token with which a client of a silo's gateway says who it is: without one its calls are denied.</summary>
public static class CallToken
{
    /// <summary>The key in the <see cref="RequestContext"/>.</summary>
    public const string Key = "controlplane.token";

    /// <summary>Sends the token with the calls that the current flow of control makes from now on.</summary>
    public static void Use(string token) => RequestContext.Set(Key, token);
}
