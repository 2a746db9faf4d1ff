using ControlPlane.Access;
using Microsoft.Extensions.DependencyInjection;

namespace Orleans.Hosting;

/// <summary>Guards the grains of a silo.</summary>
public static class AccessHosting
{
    /// <summary>
    /// Adds the guard of grain calls. It needs a <see cref="CallerSeal"/>, an <see cref="AccessGuard"/> and an
    /// <see cref="ITokenAuthenticator"/>.
    /// </summary>
    public static ISiloBuilder AddGrainAccess(this ISiloBuilder silo)
    {
        silo.AddIncomingGrainCallFilter<GrainCallAccess>();
        silo.AddOutgoingGrainCallFilter<GrainCallAccess>();
        return silo;
    }
}
