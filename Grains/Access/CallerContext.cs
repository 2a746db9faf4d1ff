namespace ControlPlane.Access;

/// <summary>Whom the code that runs now works for; flows with awaited calls, and with calls of grains, which carry it sealed.</summary>
public static class CallerContext
{
    private static readonly AsyncLocal<Caller?> Flowing = new();

    /// <summary>The caller; <see cref="Caller.System"/> for what silos do by themselves.</summary>
    public static Caller Current
    {
        get => Flowing.Value ?? Caller.System;
        set => Flowing.Value = value;
    }

    /// <summary>The caller's name, for histories.</summary>
    public static string Actor => Current.Principal;
}
