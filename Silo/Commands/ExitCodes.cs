namespace ControlPlane.Commands;

/// <summary>What the process answers its caller with.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>The control plane refused, or a job did not succeed on all its nodes; or the silo ended unexpectedly.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The control plane does not answer.</summary>
    public const int Unreachable = 3;

    /// <summary>Something that the silo needs to start is away (EX_UNAVAILABLE); trying again may help.</summary>
    public const int StartFailed = 69;

    /// <summary>The configuration is wrong (EX_CONFIG); trying again does not help.</summary>
    public const int Configuration = 78;
}
